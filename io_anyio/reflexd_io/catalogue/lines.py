"""Lines: one stored entry as one line of JSON, and back; a line that comes in is believed only as far as it holds.

The format has a version. Nothing of a credential is in it, since nothing of one is stored. Vectors are not in it
either: whoever takes the entry makes them anew, with the models that are there.
"""

import base64
import binascii
import re
from typing import Annotated

import msgspec

from reflexd_core.canonical import Uncomparable, canonicalize, read_json
from reflexd_core.dialects import BY_NAME
from reflexd_core.entry import EntryFacts, Pairing, entry_id
from reflexd_core.headers import kept
from reflexd_core.meaning.normal_form import normal_form
from reflexd_core.request import Form, Usage
from reflexd_io.memory import Answer
from reflexd_io.store.detail import Detail
from reflexd_io.store.imports import Taken
from reflexd_io.store.meaning import Meaning
from reflexd_io.store.pairings import Alias
from reflexd_io.store.records import Record

VERSION = 1
_KEY = re.compile(r"[0-9a-f]{64}")
_FIELD = re.compile(r"[\t -~\x80-\xff]*")
"""A header's value (RFC 9110 section 5.5), read as Latin-1."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Moment = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Unix seconds, up to the year 9999: nobody can show what is later."""
_Share = Annotated[float, msgspec.Meta(ge=-1, le=1)]


class _Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: _Count
    output: _Count
    cached_input: _Count = 0


class _Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: str
    question: str
    expires: _Moment | None = None


class _Wording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    question: str
    score: _Share | None = None
    similarity: _Share | None = None
    model: str
    reason: str
    at: _Moment


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reflex_entry: int
    tenant: str
    key: str
    dialect: str
    upstream: str
    model: str
    form: Form
    created: _Moment
    expires: _Moment | None = None
    used: _Moment
    hits: _Count = 0
    pinned: bool = False
    has_usage: bool
    asked_usage: bool
    usage: _Usage | None = None
    headers: list[tuple[str, str]] = []
    question: str = ""
    request: msgspec.Raw
    answer: str | None = None
    answer_base64: str | None = None
    meaning: _Meaning | None = None
    wordings: list[_Wording] = []
    uses: dict[str, _Count] = {}


def written(tenant: str, detail: Detail) -> bytes:
    """The line of an entry, its end included."""
    line, answer = detail.line, detail.answer
    facts = answer.facts
    try:
        said, packed = answer.recorded.decode(), None
    except UnicodeDecodeError:
        said, packed = None, base64.b64encode(answer.recorded).decode()
    try:
        request = canonicalize(detail.request)
    except Uncomparable:
        request = b"null"
    entry = _Entry(
        reflex_entry=VERSION,
        tenant=tenant,
        key=line.key.hex(),
        dialect=facts.dialect,
        upstream=line.upstream,
        model=facts.model,
        form=facts.form,
        created=facts.created,
        expires=line.lapses if line.pinned else line.expires,
        used=line.used,
        hits=line.hits,
        pinned=line.pinned,
        has_usage=facts.has_usage,
        asked_usage=facts.asked_usage,
        usage=_Usage(facts.usage.input, facts.usage.output, facts.usage.cached_input) if facts.usage else None,
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers],
        question=detail.question,
        request=msgspec.Raw(request),
        answer=said,
        answer_base64=packed,
        meaning=_written_meaning(detail),
        wordings=[
            _Wording(
                key=one.key.hex(),
                question=one.question,
                score=one.score,
                similarity=one.similarity,
                model=one.model,
                reason=one.reason,
                at=one.at,
            )
            for one in detail.wordings
        ],
        uses={str(day): count for day, count in detail.uses.items()},
    )
    return msgspec.json.encode(entry) + b"\n"


def read(raw: bytes, now: float) -> tuple[str, Taken]:
    """Whose entry a line holds, and the entry; none is from after ``now``, whatever clock wrote it down.

    Raises `ValueError`, which says in words what is wrong with it.
    """
    try:
        entry = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        version = _version_of(raw)
        if version is not None and version > VERSION:
            raise ValueError(f"it is of format {version}, and this Reflex knows {VERSION}") from error
        raise ValueError(str(error)) from error
    if entry.reflex_entry != VERSION:
        raise ValueError(f"it is of format {entry.reflex_entry}, and this Reflex knows {VERSION}")
    key, answer = _key(entry.key), _answer(entry, now)
    return entry.tenant, Taken(
        record=Record(
            key=key,
            answer=answer,
            upstream=entry.upstream,
            exact_only=entry.meaning is None,
            scope=_hex(entry.meaning.scope) if entry.meaning is not None else None,
            request=b"" if bytes(entry.request) == b"null" else _request(bytes(entry.request)),
            request_coding=None,
            question=entry.question,
            meaning=_meaning(entry.meaning),
        ),
        used=min(entry.used, now),
        hits=entry.hits,
        pinned=entry.pinned,
        uses={_day(day): count for day, count in entry.uses.items() if count > 0},
        wordings=[_alias(key, one) for one in entry.wordings],
    )


_DECODER = msgspec.json.Decoder(_Entry)


class _Versioned(msgspec.Struct):
    reflex_entry: int


def _version_of(raw: bytes) -> int | None:
    try:
        return msgspec.json.decode(raw, type=_Versioned).reflex_entry
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _answer(entry: _Entry, now: float) -> Answer:
    """Held to what is asked of every answer before it is stored. Raises `ValueError`."""
    dialect = BY_NAME.get(entry.dialect)
    if dialect is None:
        raise ValueError(f"Reflex knows no dialect {entry.dialect!r}")
    recorded = _recorded(entry)
    watch = dialect.watch(entry.form)
    watch.feed(recorded)
    verdict = watch.verdict()
    if not verdict.storable:
        raise ValueError(f"its answer is not one to be stored: {verdict.reason}")
    if verdict.exact_only and entry.meaning is not None:
        raise ValueError("its answer may not answer other wordings")
    facts = EntryFacts(
        id=entry_id(_key(entry.key)),
        dialect=entry.dialect,
        model=entry.model,
        form=entry.form,
        created=min(entry.created, now),
        expires=entry.expires,
        has_usage=entry.has_usage,
        asked_usage=entry.asked_usage,
        usage=_usage(entry.usage),
    )
    try:
        headers = [(name.encode("latin-1").lower(), value.encode("latin-1")) for name, value in entry.headers]
    except UnicodeEncodeError as error:
        raise ValueError("its headers hold what no header can") from error
    if not all(_FIELD.fullmatch(value) for _, value in entry.headers):
        raise ValueError("its headers hold what no header can")
    return Answer(facts, kept(headers), recorded)


def _usage(given: _Usage | None) -> Usage | None:
    if given is None:
        return None
    return Usage(input=given.input, output=given.output, cached_input=given.cached_input)


def _recorded(entry: _Entry) -> bytes:
    if (entry.answer is None) == (entry.answer_base64 is None):
        raise ValueError("it must have either answer or answer_base64")
    if entry.answer is not None:
        return entry.answer.encode()
    try:
        return base64.b64decode(entry.answer_base64 or "", validate=True)
    except binascii.Error as error:
        raise ValueError("its answer_base64 is none") from error


def _request(raw: bytes) -> bytes:
    try:
        if not isinstance(read_json(raw), dict):
            raise ValueError("its request is no JSON object")
    except Uncomparable as error:
        raise ValueError(f"its request cannot be read: {error}") from error
    return raw


def _written_meaning(detail: Detail) -> _Meaning | None:
    means = detail.means
    return _Meaning(means.scope.hex(), means.question, means.expires) if means is not None else None


def _meaning(given: _Meaning | None) -> Meaning | None:
    if given is None:
        return None
    form = normal_form(given.question) or ""
    return Meaning(scope=_hex(given.scope), question=given.question, form=form, expires=given.expires)


def _alias(entry_key: bytes, one: _Wording) -> Alias:
    pairing = Pairing(
        entry_key=entry_key,
        score=one.score,
        similarity=one.similarity,
        model=one.model,
        reason=one.reason,
        at=one.at,
    )
    return Alias(key=_key(one.key), question=one.question, form=normal_form(one.question) or "", pairing=pairing)


def _key(text: str) -> bytes:
    if not _KEY.fullmatch(text):
        raise ValueError("a key has 64 hexadecimal digits")
    return bytes.fromhex(text)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ValueError("a scope has 64 hexadecimal digits") from error


def _day(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise ValueError(f"{text!r} is no day")
    return int(text)
