"""Entries: what is stored, how it is browsed, purged and restored."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from reflexd_io.control_client.shapes.common import Dialect, Elapsed, EntryId, Told, Wire


class EntryRow(Told, frozen=True, kw_only=True):
    id: str
    """``X-Reflex-Entry``."""
    tenant: str
    dialect: str
    model: str
    upstream: str
    created: float
    used: float
    """When it last answered."""
    expires: float | None = None
    hits: int = 0
    size: int
    """Bytes of the answer before compression."""
    stored_size: int = 0
    """The same as they lie on disk."""
    expires_unpinned: float | None = None
    """Of a pinned entry, which does not expire: when it does once it is unpinned."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    exact_only: bool = False
    pinned: bool = False
    question: str = ""
    """Its beginning, 200 characters at most, as it came."""
    answer: str = ""
    """The beginning of the answer's text."""


EntryTier = Literal["exact", "semantic"]
"""``exact``: what answers its own wording only; ``semantic``: what answers other wordings too."""


class EntryFilter(Wire, frozen=True, kw_only=True):
    """All that is given must hold."""

    tenant: str | None = None
    model: str | None = None
    """Called so, or so with a date behind it, such as ``-2024-08-06``, ``-20250514`` or ``@20240620``."""
    dialect: Dialect | None = None
    upstream: str | None = None
    text: str | None = None
    """Words, "phrases", -without, prefix*; in question and answer."""
    tier: EntryTier | None = None
    pinned: bool | None = None
    older_than: Elapsed | None = None
    """Seconds since it was stored."""
    newer_than: Elapsed | None = None
    unused_for: Elapsed | None = None
    """Seconds since it last answered."""


SortName = Literal["created", "used", "hits", "size", "expires", "tenant", "dialect", "model", "question"]
"""What never expires counts as last; questions are ordered by their first 80 characters, ``A`` as ``a``."""


class EntryQuery(EntryFilter, frozen=True, kw_only=True):
    sort: SortName = "created"
    descending: bool = True
    cursor: str | None = None
    limit: Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": 500})] = 100


class EntryPage(Told, frozen=True, kw_only=True):
    items: list[EntryRow]
    next: str | None = None
    """Where there is one, there is more, however few are here: only so many are looked at for one page."""
    total: int | None = None
    """How many the filter meets; None where counting would take too long."""
    at_least: int | None = None
    """Where there is no total: how many were found before counting was given up."""
    unreadable: dict[str, str] = {}
    """Tenants whose entries are missing here since their file cannot be read, and why."""


class Use(Told, frozen=True, kw_only=True):
    day: str
    """``2026-11-25``, UTC."""
    hits: int


class OtherWording(Told, frozen=True, kw_only=True):
    question: str
    reason: str
    """``verified``, ``normal-form`` …"""
    score: float | None = None
    similarity: float | None = None
    at: float


class Label(Told, frozen=True, kw_only=True):
    asked: str
    right: bool
    """Whether its answer satisfies who asks that."""
    source: str
    at: float
    score: float | None = None


class AuditOf(Told, frozen=True, kw_only=True):
    asked: str
    verdict: Literal["same", "different", "unsure"]
    at: float
    score: float | None = None
    similarity: float | None = None


class EntryDetail(Told, frozen=True, kw_only=True):
    row: EntryRow
    question: str | None = None
    answer_text: str
    """What the model said, as text; tool calls as JSON."""
    answer: str
    """As recorded; bytes that are no UTF-8 replaced."""
    form: Literal["body", "stream"]
    request: msgspec.Raw
    """The request's JSON, as bytes; ``null`` where the tenant keeps none."""
    headers: list[tuple[str, str]] = []
    uses: list[Use] = []
    wordings: list[OtherWording] = []
    semantic_until: float | None = None
    """When it ends to answer other wordings; None where it never does, or never did (``exact_only``)."""
    body_size: int | None = None
    """Bytes of the answer as a client gets it that asks for a body, and likewise as a stream; None: it cannot be
    turned."""
    stream_size: int | None = None
    labels: list[Label] = []
    """What people and audits said of pairs with its question."""
    audits: list[AuditOf] = []
    """What came of comparing it with fresh answers, the newest first."""


class EntryChange(Wire, frozen=True, kw_only=True):
    pinned: bool | msgspec.UnsetType = msgspec.UNSET
    expires_in: (
        Annotated[float, Meta(extra_json_schema={"exclusiveMinimum": 0, "maximum": 3_153_600_000})]
        | msgspec.UnsetType
        | None
    ) = msgspec.UNSET
    """Seconds from now; null: never."""


class Purge(Wire, frozen=True, kw_only=True):
    ids: Annotated[list[EntryId], Meta(extra_json_schema={"maxItems": 10_000})] | None = None
    """Entries by id (of ``filter.tenant``, or whosever they are); together with a filter both must hold."""
    filter: EntryFilter | None = None
    """An empty filter with ``everything`` means all."""
    everything: bool = False
    """Must be true where neither ids nor a filter with anything in it is given."""
    dry_run: bool = False
    confirm: str | None = None
    """A dry run's word: exactly what it counted is purged, and nothing that was stored since."""


class Purged(Told, frozen=True, kw_only=True):
    count: int
    size: int
    """Bytes."""
    tenants: dict[str, int]
    """Entries by tenant."""
    examples: list[EntryRow] = []
    purge: str | None = None
    """By which it can be taken back; None for a dry run and where nothing was purged."""
    undo_until: float | None = None
    pinned: int = 0
    """Of a dry run: how many of them are pinned. They are purged like the others."""
    confirm: str | None = None
    """Of a dry run: send it with the purge."""
    gone: int = 0
    """Of those that the dry run had counted, how many had gone before they could be purged."""
    failed: dict[str, str] = {}
    """Tenants of whom it could not be done, or not wholly, and why."""
    unknown: list[str] = []
    """Ids under which nothing is stored (any more)."""


class TrashRow(Told, frozen=True, kw_only=True):
    purge: str
    at: float
    undo_until: float
    count: int
    size: int
    """Bytes."""
    what: str
    """In words: what was asked for."""
    tenants: dict[str, int] = {}
    """Entries by tenant."""
    finished: bool = True
    """False while it goes on, and where the daemon's end cut it short: then the rest is still stored."""


class Trash(Told, frozen=True, kw_only=True):
    items: list[TrashRow]
    """The newest first."""


class Restored(Told, frozen=True, kw_only=True):
    count: int
    skipped: int = 0
    """Those that were stored anew meanwhile, which stay as they are."""


class ExportQuery(EntryFilter, frozen=True, kw_only=True):
    """Which entries are given out."""

    ids: Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9a-f]{32}(,[0-9a-f]{32})*$"})] | None = None
    """These alone, with commas between them; those under which nothing is stored (any more) are passed over."""


class ImportQuery(Wire, frozen=True, kw_only=True):
    overwrite: bool = False
    """Whether an entry that is there already gives way although it is as new or newer."""
    tenant: str | None = None
    """Only lines of this tenant are taken."""


class Imported(Told, frozen=True, kw_only=True):
    stored: int
    skipped: int = 0
    """There already, and not older."""
    bad: list[str] = []
    """What was wrong, line by line, the first hundred."""
    bad_count: int = 0
