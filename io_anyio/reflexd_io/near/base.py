"""The base: one immutable file that holds a tenant's vectors grouped by scope, mapped and never read whole.

    groups         one for each scope (see `groups`)
    directory      scope (32 bytes), offset (8), count (8), for each group; sorted by scope
    footer         JSON: `Footer`
    its size       4 bytes

A scope is found by bisection in the mapped directory, so a base of a million scopes opens as quickly as one of a
few. Large scopes have most of their vectors in parts (see `parts`). Which base counts is said in SQLite.
"""

import mmap
import shutil
import struct
import tempfile
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from reflexd_io.near.codes import NOTHING, Codes, Found, Ids, Query, together
from reflexd_io.near.files import Unusable, Verified, draft, mapped, name_of, token_of
from reflexd_io.near.groups import Group, write_group
from reflexd_io.near.parts import Part, PartFacts
from reflexd_io.near.vectors import Floats

VERSION = 1
"""Of the files' format; another one is made anew."""

_RECORD = struct.Struct("<32sQQ")
_SIZE = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    version: int
    model: str
    dimension: int
    upto: int
    """The last id that was looked at; what is above is the delta's."""
    rows: int
    """In groups and parts."""
    directory: int
    """Where it begins."""
    scopes: int
    parts: dict[str, list[PartFacts]]
    """By scope in hex, the oldest first."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A scope's vectors on their way to a base."""

    scope: bytes
    codes: Codes
    ids: Ids
    scales: Floats


class Base:
    """An open base: its files may be deleted, what is mapped stays. Raises `Unusable`."""

    def __init__(self, folder: Path, token: bytes, verified: Verified) -> None:
        path = folder / name_of(token)
        try:
            verified.check(path)
            self._map = mapped(path)
            self.footer = _footer_of(self._map)
            self._parts = {
                bytes.fromhex(scope): [_part(folder, facts, self.footer.dimension, verified) for facts in listed]
                for scope, listed in self.footer.parts.items()
            }
        except (OSError, ValueError, struct.error, msgspec.MsgspecError) as error:
            raise Unusable(f"{path.name}: {error}") from error

    def search(self, scope: bytes, query: Query, count: int) -> Found:
        """About the ``count`` nearest of the scope, those included that have gone since it was made."""
        found = [part.search(query, count) for part in self._parts.get(scope, ())]
        group = self._group_of(scope)
        if group is not None:
            found.append(group.search(query, count))
        return together(found) if found else NOTHING

    def _group_of(self, scope: bytes) -> Group | None:
        places = range(self.footer.scopes)
        place = bisect_left(places, scope, key=lambda place: self._record(place)[0])
        if place == len(places):
            return None
        found, offset, count = self._record(place)
        return Group(self._map, offset, count, self.footer.dimension) if found == scope else None

    def _record(self, place: int) -> tuple[bytes, int, int]:
        scope, offset, count = _RECORD.unpack_from(self._map, self.footer.directory + place * _RECORD.size)
        return scope, offset, count


def write_base(
    folder: Path,
    groups: Iterable[Coded],
    parts: dict[bytes, list[PartFacts]],
    *,
    model: str,
    dimension: int,
    upto: int,
) -> bytes:
    """The token of the base that was written. Groups come in the order of their scopes. Raises `OSError`."""
    rows = sum(part.count for listed in parts.values() for part in listed)
    scopes = 0
    with draft(folder) as base, tempfile.TemporaryFile(dir=folder) as directory:
        with base.path.open("wb") as file:
            for group in groups:
                directory.write(_RECORD.pack(group.scope, file.tell(), len(group.ids)))
                write_group(file, group.codes, group.ids, group.scales)
                rows += len(group.ids)
                scopes += 1
            footer = Footer(
                version=VERSION,
                model=model,
                dimension=dimension,
                upto=upto,
                rows=rows,
                directory=file.tell(),
                scopes=scopes,
                parts={scope.hex(): listed for scope, listed in parts.items()},
            )
            directory.seek(0)
            shutil.copyfileobj(directory, file)
            written = msgspec.json.encode(footer)
            file.write(written + _SIZE.pack(len(written)))
        return token_of(base.finish(".base"))


def whole(pieces: list[Coded]) -> Coded:
    """Pieces of one scope put together."""
    if len(pieces) == 1:
        return pieces[0]
    return Coded(
        pieces[0].scope,
        np.concatenate([piece.codes for piece in pieces]),
        np.concatenate([piece.ids for piece in pieces]),
        np.concatenate([piece.scales for piece in pieces]),
    )


def _footer_of(file: mmap.mmap) -> Footer:
    (size,) = _SIZE.unpack(file[-_SIZE.size :])
    footer = msgspec.json.decode(file[-_SIZE.size - size : -_SIZE.size], type=Footer)
    if footer.version != VERSION:
        raise ValueError(f"a format of version {footer.version}")
    return footer


def _part(folder: Path, facts: PartFacts, dimension: int, verified: Verified) -> Part:
    verified.check(folder / facts.name)
    return Part(folder, facts, dimension)
