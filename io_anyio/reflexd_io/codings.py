"""Content codings: undoing gzip, deflate, br and zstd, whole or as the bytes come.

Only for looking: what is forwarded, and what a client gets of a miss, stays coded as it came.
"""

import sys
import zlib
from collections.abc import Iterator
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

    def finish(self) -> None:
        """Nothing more comes. Raises `Undecodable` where something is missing."""
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
    if isinstance(decoder, _Identity) and len(body) <= limit:
        return body
    plain: list[bytes] = []
    size = 0
    for start in range(0, len(body), _SLICE):
        plain.append(decoder.feed(body[start : start + _SLICE]))
        size += len(plain[-1])
        if size > limit:
            raise Undecodable("too large once decoded")
    decoder.finish()
    return plain[0] if len(plain) == 1 else b"".join(plain)


_SLICE = 1024
"""Coded bytes given to a decoder at a time: small, so that a bomb is noticed before it has gone off. A zstd slice
of this size can hold 256 blocks of 128 KiB at most, deflate far less; brotli is asked for its output in pieces."""

_PIECE = 1024 * 1024
_BOMB = 128 * _PIECE
"""Plain bytes that one fed chunk may turn into."""


class _Identity:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> None:
        return


class _Sliced:
    """A decoder that is fed in slices and gives up at a bomb."""

    def feed(self, chunk: bytes) -> bytes:
        plain: list[bytes] = []
        room = _BOMB
        for start in range(0, len(chunk), _SLICE):
            for piece in self._decode(chunk[start : start + _SLICE]):
                plain.append(piece)
                room -= len(piece)
                if room < 0:
                    raise Undecodable("too large once decoded")
        return plain[0] if len(plain) == 1 else b"".join(plain)

    def finish(self) -> None:
        if not self._whole():
            raise Undecodable("the coded bytes end too soon")

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        raise NotImplementedError

    def _whole(self) -> bool:
        raise NotImplementedError


class _Gzip(_Sliced):
    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._decoder.eof:  # RFC 1952: members may follow one another
                self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
            self._begun = True
            try:
                yield self._decoder.decompress(chunk)
            except zlib.error as error:
                raise Undecodable(str(error)) from error
            chunk = self._decoder.unused_data

    def _whole(self) -> bool:
        return self._decoder.eof or not self._begun


class _Deflate(_Sliced):
    def __init__(self) -> None:
        self._decoder = zlib.decompressobj()
        self._held: bytes | None = b""
        """What came while only the header, of two bytes, was seen."""

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        if self._held is not None:
            chunk, self._held = self._held + chunk, None
            if len(chunk) < 2:
                self._held = chunk
                return
            # RFC 9110 section 8.4.1.2: some send deflate without its zlib frame (RFC 1950 section 2.2).
            if chunk[0] & 0x0F != zlib.DEFLATED or int.from_bytes(chunk[:2], "big") % 31:
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            yield self._decoder.decompress(chunk)
        except zlib.error as error:
            raise Undecodable(str(error)) from error
        if self._decoder.unused_data:
            raise Undecodable("bytes after the end")

    def _whole(self) -> bool:
        return self._decoder.eof or self._held == b""


class _Brotli(_Sliced):
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self._begun = False

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        self._begun = True
        try:
            yield self._decoder.process(chunk, output_buffer_limit=_PIECE)
            while not self._decoder.can_accept_more_data():
                yield self._decoder.process(b"", output_buffer_limit=_PIECE)
        except brotli.error as error:
            raise Undecodable(str(error)) from error

    def _whole(self) -> bool:
        return not self._begun or bool(self._decoder.is_finished())


class _Zstd(_Sliced):
    def __init__(self) -> None:
        self._decoder = ZstdDecompressor()
        self._begun = False

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._decoder.eof:  # RFC 8878 section 3: frames may follow one another
                self._decoder = ZstdDecompressor()
            self._begun = True
            try:
                yield self._decoder.decompress(chunk)
            except ZstdError as error:
                raise Undecodable(str(error)) from error
            chunk = self._decoder.unused_data if self._decoder.eof else b""

    def _whole(self) -> bool:
        return self._decoder.eof or not self._begun


_DECODERS: dict[str, type[_Gzip] | type[_Deflate] | type[_Brotli] | type[_Zstd]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
