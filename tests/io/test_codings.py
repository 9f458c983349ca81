"""Content codings: the same bytes come out however they come in, and a bomb never goes off."""

import gzip
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest

from reflexd_io.codings import Decoder, Undecodable, decode, decoder_for

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1024 * 1024


def _raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


CODERS: dict[str, tuple[str | None, Callable[[bytes], bytes]]] = {
    "none": (None, bytes),
    "identity": (" Identity ", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "gzip-members": ("gzip", lambda plain: gzip.compress(plain[:7]) + gzip.compress(b"") + gzip.compress(plain[7:])),
    "deflate": ("deflate", zlib.compress),
    "raw-deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstd.compress),
    "zstd-frames": ("zstd", lambda plain: zstd.compress(plain[:7]) + zstd.compress(b"") + zstd.compress(plain[7:])),
    "zstd-skippable": (
        "zstd",
        lambda plain: b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd.compress(plain),
    ),
}
PLAINS = {
    "empty": b"",
    "byte": b"x",
    "json": b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}',
    "repeats": b"the same again " * 20_000,
    "noise": random.Random(1).randbytes(200_000),
}


def _in_steps(decoder: Decoder, coded: bytes, step: int) -> bytes:
    plain = b"".join(decoder.feed(coded[start : start + step]) for start in range(0, len(coded), step))
    decoder.finish()
    return plain


@pytest.mark.parametrize("plain", PLAINS)
@pytest.mark.parametrize("coder", CODERS)
def test_whole_or_in_pieces_the_same_comes_out(coder: str, plain: str) -> None:
    name, encode = CODERS[coder]
    coded = encode(PLAINS[plain])
    assert decode(coded, name, len(PLAINS[plain])) == PLAINS[plain]
    for step in (1, 2, 3, 1023, 1024, 1025, MIB) if len(coded) < 5000 else (997, 65_536):
        assert _in_steps(decoder_for(name), coded, step) == PLAINS[plain]


@pytest.mark.parametrize("coder", [coder for coder, (name, _) in CODERS.items() if coder not in ("none", "identity")])
def test_what_is_cut_is_broken(coder: str) -> None:
    name, encode = CODERS[coder]
    coded = encode(PLAINS["json"])
    for cut in range(1, len(coded)):
        decoder = decoder_for(name)
        try:
            decoder.feed(coded[:cut])
            decoder.finish()
        except Undecodable:
            continue
        # Where members or frames follow one another, a cut between two of them cannot be seen.
        assert coder in ("gzip-members", "zstd-frames", "zstd-skippable"), cut
    with pytest.raises(Undecodable):
        decode(coded[:-1], name, MIB)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("broken", [b"not coded at all", b"\xff" * 64, b"{}" * 600])
def test_what_is_not_coded_so_is_broken(name: str, broken: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(broken, name, MIB)


@pytest.mark.parametrize("coder", ["gzip", "deflate", "raw-deflate", "br", "zstd"])
def test_flipped_bits_and_trailing_bytes_raise_nothing_else(coder: str) -> None:
    name, encode = CODERS[coder]
    coded = encode(PLAINS["json"] * 3)
    with pytest.raises(Undecodable):
        decode(coded + b"trailing bytes", name, MIB)
    for place in range(len(coded)):
        flipped = bytes([*coded[:place], coded[place] ^ 0x55, *coded[place + 1 :]])
        try:
            decode(flipped, name, MIB)
        except Undecodable:
            continue


@pytest.mark.parametrize("name", ["gzip, br", "compress", "gzip, gzip", "aes128gcm", "*"])
def test_codings_that_are_not_known_are_told(name: str) -> None:
    with pytest.raises(Undecodable, match="content-encoding"):
        decoder_for(name)


@pytest.mark.parametrize("name", ["", ",", "identity, identity", " , gzip"])
def test_odd_spellings_are_read(name: str) -> None:
    coded = gzip.compress(b"x") if "gzip" in name else b"x"
    assert decode(coded, name, 10) == b"x"


def test_a_body_of_the_limit_passes_and_one_byte_more_does_not() -> None:
    for name, encode in CODERS.values():
        assert len(decode(encode(b"x" * 5000), name, 5000)) == 5000
        with pytest.raises(Undecodable, match="too large"):
            decode(encode(b"x" * 5001), name, 5000)


def _zstd_bomb() -> bytes:
    """32 GiB of zeros as blocks of one repeated byte each (RFC 8878 section 3.1.1.2.2): 1 MiB."""
    header = b"\x28\xb5\x2f\xfd\x00\x38"  # a window of 128 KiB
    block = (2**17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return header + block * (2**18)


def _brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=5)
    return b"".join(packer.process(bytes(MIB)) for _ in range(400)) + packer.finish()


def _zlib_bomb(wbits: int) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(400)) + packer.flush()


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: _zlib_bomb(31)),
    "deflate": ("deflate", lambda: _zlib_bomb(15)),
    "raw-deflate": ("deflate", lambda: _zlib_bomb(-15)),
    "br": ("br", _brotli_bomb),
    "zstd": ("zstd", _zstd_bomb),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_before_it_has_gone_off(bomb: str) -> None:
    name, make = BOMBS[bomb]
    coded = make()
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable, match="too large"):
            decode(coded, name, 8 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 200 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_in_one_chunk_of_an_answer_is_refused_too(bomb: str) -> None:
    name, make = BOMBS[bomb]
    with pytest.raises(Undecodable, match="too large"):
        decoder_for(name).feed(make())


@pytest.mark.parametrize(("name", "member"), [("gzip", gzip.compress(b"")), ("zstd", zstd.compress(b""))])
def test_many_empty_members_are_no_recursion(name: str, member: bytes) -> None:
    assert decode(member * 20_000, name, 10) == b""
    assert decoder_for(name).feed(member * 20_000) == b""
