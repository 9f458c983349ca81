"""The store: every tenant's answers on disk, one SQLite file each, and what is known of their meaning.

Reading happens in worker threads over read-only connections, writing in the one writer thread. Whatever fails
here costs a hit, never an answer: every method that waits raises `StoreUnavailable`, and the request is forwarded.
"""

import re
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from reflexd_core.parts import Part
from reflexd_io.memory import Answer
from reflexd_io.near.keeper import Keeper, Place
from reflexd_io.store import forms, looking, lookups, meaning, pairings, records, warm
from reflexd_io.store.forms import Compared, Form
from reflexd_io.store.meaning import Near, Unembedded
from reflexd_io.store.pairings import Alias, Audit, AuditVerdict, Label, Paired
from reflexd_io.store.readers import IndexNotReady, Readers, StoreUnavailable, open_to_read
from reflexd_io.store.records import Record
from reflexd_io.store.room import LimitOf, tenants_in
from reflexd_io.store.usage import Usage, Usages
from reflexd_io.store.writer import Operation, Writer

__all__ = ["LOOK", "IndexNotReady", "Store", "StoreUnavailable"]

T = TypeVar("T")

CHANGE_TIMEOUT = 5.0
"""Seconds a change is waited for; one that is still to come may be made later all the same."""

LOOK = 5.0
"""Seconds that a look for people may take."""

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_OVERHEAD = 1024
"""Bytes that a waiting record takes beside its answer and its request, roughly."""


class Store:
    def __init__(self, folder: Path, *, max_bytes: int, limit_of: LimitOf = lambda _: None) -> None:
        """``folder`` is made, readable for its owner only. ``max_bytes`` bounds all files together.

        ``limit_of`` bounds those of one tenant; it is called in another thread.
        """
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known = tenants_in(folder)
        """Tenants that have a file: looking on the disk would make the event loop wait for it. The writer adds."""
        self._writer = Writer(folder, self._known, max_bytes=max_bytes, limit_of=limit_of)
        self._readers = Readers(folder)
        self._limiter = anyio.CapacityLimiter(8)
        self._searchers = Readers(folder)
        """Their own, so that no lookup waits for a search."""
        self._search_limiter = anyio.CapacityLimiter(8)
        self._usages = Usages(folder)
        self._usage_limiter = anyio.CapacityLimiter(1)
        self._look_limiter = anyio.CapacityLimiter(4)
        """For people who browse, whose reads may take long."""
        self._keeper = Keeper(Place(folder, open_to_read, self._writer.commit_base))

    def start(self) -> None:
        self._writer.start()
        self._keeper.start()

    @property
    def problems(self) -> dict[str, str]:
        """Tenants whose file cannot be used at present, and why."""
        return {
            **self._keeper.problems,
            **self._searchers.problems,
            **self._readers.problems,
            **self._writer.problems,
        }

    def is_name(self, tenant: str) -> bool:
        return _TENANT.fullmatch(tenant) is not None

    def tenants(self) -> set[str]:
        """Those that have a file."""
        return set(self._known)

    @property
    def evictions(self) -> int:
        """Entries that made room for others since the start."""
        return self._writer.evictions

    def evicted_within(self, seconds: float) -> int:
        """Those of them that went that long ago at most."""
        return self._writer.evicted_within(seconds)

    async def usage(self) -> dict[str, Usage]:
        """Entries and bytes of each tenant; those whose file cannot be read now are left out."""
        read = partial(self._usages.read, self.tenants())
        return await anyio.to_thread.run_sync(read, abandon_on_cancel=False, limiter=self._usage_limiter)

    async def get(self, tenant: str, key: bytes) -> Answer | None:
        """The answer stored under the exact key, or the one it is an alias for, or None."""
        if not self._has(tenant):
            return None
        look = partial(lookups.find, self._readers, self._readers.of(tenant), key)
        return await anyio.to_thread.run_sync(look, abandon_on_cancel=True, limiter=self._limiter)

    async def newest(self, limit: int, max_bytes: int) -> AsyncGenerator[warm.Found]:
        """For warming up: the most recently used answers, the last used first, ``limit`` and ``max_bytes`` in all.

        What cannot be read is left out. After calling this, close the iterator, which closes its file.
        """
        steps = warm.steps(self._folder, limit, max_bytes)
        limiter = anyio.CapacityLimiter(1)  # its own, so that no lookup waits for it
        try:
            while (step := await anyio.to_thread.run_sync(next, steps, None, limiter=limiter)) is not None:
                for found in step:
                    yield found
        finally:
            steps.close()

    def put(self, tenant: str, record: Record, told: Callable[[str | None], None]) -> None:
        """Keep the record; ``told`` is called in the event loop, with None once it is safe or with why it is not.

        From then on its meaning is found.
        """
        if not _TENANT.fullmatch(tenant):
            told(f"{tenant!r} is not a tenant's name")
            return
        size = len(record.answer.recorded) + len(record.request) + _OVERHEAD
        self._submit(tenant, lambda connection: records.insert(connection, record), told, size)

    def touch(self, tenant: str, key: bytes) -> None:
        """Note that the entry was used now, be it under an alias."""
        self._writer.touch(tenant, key, time.time())

    async def find_form(self, tenant: str, scope: bytes, form: str) -> list[Near]:
        """Entries of the scope whose question has this normal form, the newest first: a handful at most.

        Those that were blocked for it are left out, here and in `nearest`, and those whose time is over.
        """
        find = partial(meaning.find_form, scope=scope, form=form, now=time.time())
        return await self._search(tenant, find) or []

    async def nearest(self, tenant: str, scope: bytes, vector: bytes, k: int, *, model: str, form: str) -> list[Near]:
        """The ``k`` nearest entries of the scope, the best first; vectors of other models are not looked at.

        ``vector`` as in `Meaning`, and it raises `ValueError` too; ``form`` is the asked question's normal form.
        Raises `IndexNotReady` where the scope is large and its index is being made.
        """
        meaning.check_vector(vector)
        if not self._has(tenant):
            return []
        index = self._keeper.of(tenant)

        def find(connection: sqlite3.Connection) -> list[Near]:
            search = partial(index.search, connection, scope, vector, model)
            return meaning.nearest(connection, search, k, form, time.time())

        return await self._search(tenant, find) or []

    async def unembedded(self, tenant: str, model: str, limit: int) -> list[Unembedded]:
        """Entries whose vector is yet to be made by this model."""
        return await self._search(tenant, partial(meaning.unembedded, model=model, limit=limit)) or []

    async def embed_later(self, tenant: str, vectors: dict[bytes, bytes], model: str) -> None:
        """Give entries, by key, the vectors they lacked; those that have gone meanwhile are left out."""
        for vector in vectors.values():
            meaning.check_vector(vector)

        def embed(connection: sqlite3.Connection) -> None:
            for key, vector in vectors.items():
                meaning.embed(connection, key, vector, model)

        await self.change(tenant, embed)

    async def promote(self, tenant: str, alias: Alias) -> bool:
        """Let the entry answer the asker's exact key too. False where it has gone or may not."""
        return await self.change(tenant, partial(pairings.promote, alias=alias))

    async def pairing(self, tenant: str, key: bytes) -> Paired | None:
        """What the asker's exact key is answered with, where it is an alias."""
        return await self._search(tenant, partial(pairings.find, key=key))

    async def questions(self, tenant: str, key: bytes) -> tuple[str | None, str | None]:
        """What was asked under the exact key, and, where it is an alias, what its entry was asked."""
        return await self._search(tenant, partial(lookups.questions, key=key)) or (None, None)

    async def block(self, tenant: str, entry_key: bytes, form: str) -> list[bytes]:
        """Never again answer this normal form with this entry; gives the aliases that went for it.

        After calling this, drop those from memory.
        """
        return await self.change(tenant, partial(pairings.block, entry_key=entry_key, form=form, at=time.time()))

    def keep_form(self, tenant: str, make: Callable[[], tuple[Form, list[Part]] | None], size: int) -> None:
        """Keep a request's canonical form, made in the writer's thread; nothing of a tenant without a file."""

        def keep(connection: sqlite3.Connection) -> None:
            made = make()
            if made is not None:
                forms.insert(connection, *made)

        if self._has(tenant):
            self._submit(tenant, keep, lambda _: None, size)

    async def compare(self, tenant: str, exchange: str) -> Compared | None:
        """In what a request differs from the nearest before it; None where its form is not kept."""
        return await self.look(tenant, partial(forms.compare, exchange=exchange))

    async def unblock(self, tenant: str, entry_key: bytes, form: str) -> bool:
        """Take `block` back: the pairing is judged anew when it is asked for. False where nothing was blocked."""
        return await self.change(tenant, partial(pairings.unblock, entry_key=entry_key, form=form))

    async def forget_meaning(self, tenant: str, keys: list[bytes]) -> None:
        """Entries that answer their own words only from now on."""
        if keys:
            await self.change(tenant, partial(meaning.forget, keys=keys))

    async def add_label(self, tenant: str, label: Label) -> None:
        """One for each pair: what is said later counts."""
        await self.change(tenant, partial(pairings.add_label, label=label))

    async def forget_label(self, tenant: str, a: str, b: str, source: str) -> None:
        """What this source said of a pair."""
        await self.change(tenant, partial(pairings.forget_label, a=a, b=b, source=source))

    async def labels(self, tenant: str) -> list[Label]:
        """All, the oldest first."""
        return await self._search(tenant, pairings.labels) or []

    async def add_audit(self, tenant: str, audit: Audit) -> None:
        await self.change(tenant, partial(pairings.add_audit, audit=audit))

    async def audits(self, tenant: str, limit: int, verdict: AuditVerdict | None = None) -> list[Audit]:
        """The newest first, as far as they are kept (see `pairings.KEPT_AUDITS`)."""
        return await self._search(tenant, partial(pairings.audits, limit=limit, verdict=verdict)) or []

    async def audit_counts(self, tenant: str, model: str | None = None) -> dict[AuditVerdict, int]:
        """How often each verdict was found since the beginning, of one judging model or of all."""
        found = await self._search(tenant, partial(pairings.audit_counts, model=model))
        return found or dict.fromkeys(AuditVerdict, 0)

    async def look(self, tenant: str, work: Callable[[sqlite3.Connection], T], *, seconds: float = LOOK) -> T | None:
        """What ``work`` finds in the tenant's file, on a connection of its own, so that no lookup waits for it.

        None where there is no file. Raises `StoreUnavailable`, also where it takes longer.
        """
        if not self._has(tenant):
            return None
        look = partial(looking.look, self._folder / f"{tenant}.sqlite3", work, seconds)
        try:
            return await anyio.to_thread.run_sync(look, limiter=self._look_limiter)
        except looking.OutOfDate:
            await self.change(tenant, lambda _: None)  # which brings the file up to date
            return await anyio.to_thread.run_sync(look, limiter=self._look_limiter)

    async def flush(self) -> None:
        """Once this returns, all that was handed in before is safe, or was given up. Raises `StoreUnavailable`."""
        await self._told(self._writer.flush)

    async def remove(self, tenant: str, *, for_good: bool) -> None:
        """All that is stored for it, and with ``for_good`` whatever might still be. Raises `StoreUnavailable`.

        Before and after calling this, drop it from memory.
        """
        self._keeper.forget(tenant)
        try:
            await self._told(partial(self._writer.remove, tenant, for_good=for_good))
        finally:
            self._readers.forget(tenant)  # whoever opened the file meanwhile holds one that is nobody's any more
            self._searchers.forget(tenant)
            self._keeper.forget(tenant)

    async def _told(self, begin: Callable[[Callable[[str | None], None]], None]) -> None:
        """Begin something in the writer's thread and wait until its end is told."""
        problems: list[str | None] = []
        done = anyio.Event()
        token = anyio.lowlevel.current_token()

        def told(problem: str | None) -> None:
            problems.append(problem)
            with suppress(RuntimeError):  # the event loop ended meanwhile
                anyio.from_thread.run_sync(done.set, token=token)

        begin(told)
        with anyio.move_on_after(CHANGE_TIMEOUT):
            await done.wait()
        problem = problems[0] if problems else "the disk is too slow; it is done as soon as it can be"
        if problem is not None:
            raise StoreUnavailable(problem)

    async def close(self) -> bool:
        """Commit what was handed in. False if the disk did not take it within ten seconds."""
        await anyio.to_thread.run_sync(self._keeper.stop)
        finished = await anyio.to_thread.run_sync(self._writer.stop, 10.0)
        await anyio.to_thread.run_sync(self._readers.close)
        await anyio.to_thread.run_sync(self._searchers.close)
        return finished

    def _has(self, tenant: str) -> bool:
        return tenant in self._known and _TENANT.fullmatch(tenant) is not None

    async def _search(self, tenant: str, work: Callable[[sqlite3.Connection], T]) -> T | None:
        if not self._has(tenant):
            return None
        read = partial(self._searchers.read, self._searchers.of(tenant), work)
        return await anyio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._search_limiter)

    async def change(self, tenant: str, work: Callable[[sqlite3.Connection], T], *, makes: bool = False) -> T:
        """Do it in the writer's thread; what it gives, once it is safe. Raises `StoreUnavailable`.

        ``makes``: where the tenant has no file, it gets one.
        """
        if not (self._has(tenant) or (makes and self.is_name(tenant))):
            raise StoreUnavailable(f"nothing is stored for {tenant!r}")
        given: list[T] = []
        problems: list[str | None] = []
        done = anyio.Event()

        def told(problem: str | None) -> None:
            problems.append(problem)
            done.set()

        self._submit(tenant, lambda connection: given.append(work(connection)), told, _OVERHEAD)
        with anyio.move_on_after(CHANGE_TIMEOUT):
            await done.wait()
        problem = problems[0] if problems else "the disk is too slow"
        if problem is not None:
            raise StoreUnavailable(problem)
        return given[-1]  # a group that failed is done over

    def _submit(
        self, tenant: str, run: Callable[[sqlite3.Connection], None], told: Callable[[str | None], None], size: int
    ) -> None:
        token = anyio.lowlevel.current_token()

        def tell(problem: str | None) -> None:
            try:
                anyio.from_thread.run_sync(told, problem, token=token)
            except RuntimeError:  # the event loop ended while the disk was writing: nobody is left to tell
                return

        if not self._writer.submit(Operation(tenant, run, tell, size)):
            told("the disk is too slow: too much is waiting to be written")
