"""Rows: what a tenant's file says of an entry becomes an answer again, or its facts; a damaged row is an error."""

import json
import sys
from math import isfinite

from reflexd_core.dialects import DIALECTS
from reflexd_core.entry import EntryFacts, Pairing, entry_id
from reflexd_core.request import Form, Usage
from reflexd_io.memory import Answer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_NAMES = frozenset(dialect.name for dialect in DIALECTS)

FACT_COLUMNS = (
    "entries.key, entries.dialect, entries.model, entries.form, entries.created, entries.expires, entries.has_usage, "
    "entries.asked_usage, entries.input_tokens, entries.output_tokens, entries.cached_tokens"
)
"""What `read_facts` takes, in this order."""
ANSWER_COLUMNS = f"{FACT_COLUMNS}, entries.headers, entries.answer"
"""What `read_answer` takes, in this order."""
PAIRING_COLUMNS = "aliases.at, aliases.score, aliases.similarity, aliases.model, aliases.reason"
"""What `read_pairing` takes, in this order."""


def storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def read_answer(row: tuple[object, ...]) -> tuple[bytes, Answer]:
    """Key and answer of a row of `ANSWER_COLUMNS`. Raises `ValueError` for a row that no Reflex wrote."""
    *columns, headers, answer = row
    try:
        key, facts = read_facts(tuple(columns))
        if not (isinstance(headers, str) and isinstance(answer, bytes)):
            raise ValueError("not an answer")
        return key, Answer(facts, _pairs(headers), _plain(answer))
    except (TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"a damaged row: {error}") from error  # such as headers that are JSON, but no pairs


def read_facts(row: tuple[object, ...]) -> tuple[bytes, EntryFacts]:
    """Key and facts of a row of `FACT_COLUMNS`. Raises `ValueError` as above."""
    match row:
        case (
            bytes(key),
            str(dialect),
            str(model),
            str(form),
            float(created),
            expires,
            int(has_usage),
            int(asked_usage),
            taken,
            given,
            cached,
        ) if dialect in _NAMES and isfinite(created):
            usage = None
            if isinstance(taken, int) and isinstance(given, int):
                usage = Usage(input=taken, output=given, cached_input=cached if isinstance(cached, int) else 0)
            facts = EntryFacts(
                id=entry_id(key),
                dialect=dialect,
                model=model,
                form=Form(form),
                created=created,
                expires=expires if isinstance(expires, float) and isfinite(expires) else None,
                has_usage=bool(has_usage),
                asked_usage=bool(asked_usage),
                usage=usage,
            )
            return key, facts
        case _:
            raise ValueError("not a row of the entries table")


def read_pairing(entry_key: bytes, row: tuple[object, ...]) -> Pairing:
    """Of a row of `PAIRING_COLUMNS`. Raises `ValueError` as above."""
    match row:
        case (float(at), None | float() as score, None | float() as similarity, str(model), str(reason)):
            return Pairing(entry_key=entry_key, score=score, similarity=similarity, model=model, reason=reason, at=at)
        case _:
            raise ValueError("not a row of the aliases table")


def _pairs(headers: str) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(headers)]
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a list of headers: {error}") from error


def _plain(compressed: bytes) -> bytes:
    try:
        return zstd.decompress(compressed)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error
