"""Content codings: undoing gzip, deflate, br and zstd, whole or as the bytes come.

Only for looking: what is forwarded, and what a client gets of a miss, stays coded as it came.
"""

import sys
import zlib
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdDecompressor, ZstdError


class Undecodable(ValueError):  # noqa: N818 - it says what the bytes are
    """An unknown coding, broken coded bytes, or more than the limit once decoded."""


class Decoder(Protocol):
    def feed(self, chunk: bytes) -> bytes:
        """The plain bytes that this chunk completes. Raises `Undecodable`."""
        ...


def decoder_for(content_encoding: str | None) -> Decoder:
    """A decoder for a ``Content-Encoding`` value. Raises `Undecodable` for codings that are not known."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names:
        return _Identity()
    if len(names) > 1 or names[0] not in _DECODERS:
        raise Undecodable(f"content-encoding {content_encoding!r}")
    return _DECODERS[names[0]]()


def decode(body: bytes, content_encoding: str | None, limit: int) -> bytes:
    """The whole body decoded, at most ``limit`` bytes of it. Raises `Undecodable`."""
    decoder = decoder_for(content_encoding)
    plain: list[bytes] = []
    size = 0
    for start in range(0, len(body), _SLICE):
        plain.append(decoder.feed(body[start : start + _SLICE]))
        size += len(plain[-1])
        if size > limit:
            raise Undecodable("too large once decoded")
    return plain[0] if len(plain) == 1 else b"".join(plain)


_SLICE = 1024
"""Coded bytes given to a decoder at a time: small, so that a bomb is noticed before it has gone off. A zstd slice
of this size can hold 256 blocks of 128 KiB at most, deflate far less; brotli is asked for its output in pieces."""

_PIECE = 1024 * 1024
_BOMB = 128 * _PIECE


class _Identity:
    def feed(self, chunk: bytes) -> bytes:
        return chunk


class _Zlib:
    def __init__(self, window: int) -> None:
        self._window = window
        self._decoder = zlib.decompressobj(window)
        self._fresh = True

    def feed(self, chunk: bytes) -> bytes:
        try:
            plain = self._decoder.decompress(chunk)
        except zlib.error as error:
            if not self._fresh or self._window != zlib.MAX_WBITS:
                raise Undecodable(str(error)) from error
            # RFC 9110 section 8.4.1.2: some send deflate without its zlib frame.
            self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            self._window = -zlib.MAX_WBITS
            return self.feed(chunk)
        self._fresh = self._fresh and not plain
        while self._decoder.eof and self._decoder.unused_data and self._window > zlib.MAX_WBITS:
            rest = self._decoder.unused_data  # RFC 1952: members may follow one another
            self._decoder = zlib.decompressobj(self._window)
            plain += self.feed(rest)
        return plain


class _Gzip(_Zlib):
    def __init__(self) -> None:
        super().__init__(zlib.MAX_WBITS | 16)


class _Deflate(_Zlib):
    def __init__(self) -> None:
        super().__init__(zlib.MAX_WBITS)


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    def feed(self, chunk: bytes) -> bytes:
        try:
            plain: bytes = self._decoder.process(chunk, output_buffer_limit=_PIECE)
            while not self._decoder.can_accept_more_data():
                plain += self._decoder.process(b"", output_buffer_limit=_PIECE)
                if len(plain) > _BOMB:
                    raise Undecodable("too large once decoded")
        except brotli.error as error:
            raise Undecodable(str(error)) from error
        return plain


class _Zstd:
    def __init__(self) -> None:
        self._decoder = ZstdDecompressor()

    def feed(self, chunk: bytes) -> bytes:
        plain = b""
        try:
            while chunk:
                plain += self._decoder.decompress(chunk)
                chunk = b""
                if self._decoder.eof:
                    chunk = self._decoder.unused_data
                    self._decoder = ZstdDecompressor()
        except ZstdError as error:
            raise Undecodable(str(error)) from error
        return plain


_DECODERS: dict[str, type[_Gzip] | type[_Deflate] | type[_Brotli] | type[_Zstd]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
