"""What the control API says of entries: the catalogue's values in the shapes that clients know."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from reflexd_core.canonical import Uncomparable, canonicalize
from reflexd_core.dialects import BY_NAME
from reflexd_core.entry import entry_id
from reflexd_core.request import Form
from reflexd_io.catalogue.purging import Outcome, Thrown
from reflexd_io.control_client.shapes import entries as shapes
from reflexd_io.memory import Answer
from reflexd_io.store.browse import Listed
from reflexd_io.store.detail import Detail
from reflexd_io.store.upkeep import DAY

T = TypeVar("T")


def row_of(tenant: str, listed: Listed) -> shapes.EntryRow:
    return shapes.EntryRow(
        id=entry_id(listed.key),
        tenant=tenant,
        dialect=listed.dialect,
        model=listed.model,
        upstream=listed.upstream,
        created=listed.created,
        used=listed.used,
        expires=listed.expires,
        expires_unpinned=listed.lapses,
        hits=listed.hits,
        size=listed.size,
        stored_size=listed.stored_size,
        input_tokens=listed.input_tokens,
        output_tokens=listed.output_tokens,
        exact_only=listed.exact_only,
        pinned=listed.pinned,
        question=listed.question,
        answer=listed.answer,
    )


def detail_of(tenant: str, detail: Detail) -> shapes.EntryDetail:
    answer = detail.answer
    return shapes.EntryDetail(
        row=row_of(tenant, detail.line),
        question=detail.question or None,
        answer_text=BY_NAME[answer.facts.dialect].answer_text(answer.facts.form, answer.recorded),
        answer=answer.recorded.decode("utf-8", "replace"),
        form=answer.facts.form.value,
        request=_raw(detail),
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers],
        uses=[shapes.Use(day=_day(day), hits=count) for day, count in detail.uses.items()],
        wordings=[
            shapes.OtherWording(
                question=one.question, reason=one.reason, score=one.score, similarity=one.similarity, at=one.at
            )
            for one in detail.wordings
        ],
        semantic_until=detail.means.expires if detail.means is not None else None,
        body_size=_size(answer, Form.BODY),
        stream_size=_size(answer, Form.STREAM),
        labels=[
            shapes.Label(asked=one.b, right=one.label, source=one.source, at=one.at, score=one.score)
            for one in detail.labels
        ],
        audits=[
            shapes.AuditOf(
                asked=one.asked, verdict=one.verdict.value, at=one.at, score=one.score, similarity=one.similarity
            )
            for one in detail.audits
        ],
    )


Shown = Callable[[str], str]
"""What people call a tenant."""


def purged_of(outcome: Outcome, shown: Shown) -> shapes.Purged:
    return shapes.Purged(
        count=outcome.entries,
        size=outcome.size,
        tenants=named(outcome.tenants, shown),
        examples=[row_of(shown(line.tenant), line.listed) for line in outcome.examples],
        purge=outcome.purge,
        undo_until=outcome.undo_until,
        pinned=outcome.pinned,
        confirm=outcome.confirm,
        gone=outcome.gone,
        failed=named(outcome.failed, shown),
        unknown=outcome.unknown,
    )


def trash_row(thrown: Thrown, shown: Shown) -> shapes.TrashRow:
    return shapes.TrashRow(
        purge=thrown.id,
        at=thrown.at,
        undo_until=thrown.until,
        count=thrown.entries,
        size=thrown.size,
        what=thrown.what,
        tenants=named(thrown.tenants, shown),
        finished=thrown.finished,
    )


def named(by_tenant: Mapping[str, T], shown: Shown) -> dict[str, T]:
    return {shown(tenant): value for tenant, value in by_tenant.items()}


def _raw(detail: Detail) -> msgspec.Raw:
    try:
        return msgspec.Raw(canonicalize(detail.request))
    except Uncomparable:
        return msgspec.Raw(b"null")


def _size(answer: Answer, form: Form) -> int | None:
    """Bytes of the answer in a form; None where it cannot be turned into that."""
    try:
        body, _ = answer.ready(form, wants_usage=True)
    except ValueError:
        return None
    return len(body)


def _day(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY, UTC):%Y-%m-%d}"
