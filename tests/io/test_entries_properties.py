"""Random lives of entries over several tenants, against a model: nothing crosses, nothing purged is served.

A real store and memory are asked after each step as a request would ask them; what an undo brings back is exactly
what was there.
"""

import json
import os
import shutil
import tempfile
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import time
from typing import Any

import anyio.from_thread
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from reflexd_io.catalogue.changing import Change
from reflexd_io.catalogue.purging import Outcome, Target
from reflexd_io.catalogue.shelves import Unknown
from reflexd_io.memory import Answer
from reflexd_io.store import upkeep, writer
from reflexd_io.store.filters import Filter
from support.entries import Opened, alias, everything, key_of, name_of, opened, record

TENANTS = ("home", "work", "client")
NUMBERS = range(5)
ALIASES = range(100, 103)
EXAMPLES = int(os.environ.get("REFLEX_EXAMPLES", "12"))

tenants = st.sampled_from(TENANTS)
numbers = st.sampled_from(NUMBERS)


@dataclass(frozen=True)
class Kept:
    """What the model knows of an entry."""

    said: str
    pinned: bool = False
    expired: bool = False
    """Whether its time is over, should it not be pinned."""
    aliases: frozenset[int] = frozenset()

    @property
    def answers(self) -> bool:
        return self.pinned or not self.expired


Name = tuple[str, int]


def _key(tenant: str, number: int) -> bytes:
    """As real ones, a key is its tenant's alone."""
    return key_of(TENANTS.index(tenant) * 1000 + number)


def _name(tenant: str, number: int) -> str:
    return name_of(TENANTS.index(tenant) * 1000 + number)


class Lives(RuleBasedStateMachine):
    purges: Bundle[str] = Bundle("purges")

    @initialize()
    def begin(self) -> None:
        self.ticks, writer._TICK = writer._TICK, 3600.0  # when upkeep comes is for the rules to say
        self.folder = Path(tempfile.mkdtemp())
        self.stack = ExitStack()
        self.portal = self.stack.enter_context(anyio.from_thread.start_blocking_portal())
        self.entries: dict[Name, Kept] = {}
        self.trash: dict[str, dict[Name, Kept]] = {}
        self.said = 0
        self._open()

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.closing.close()
            self.stack.close()
            shutil.rmtree(self.folder)
            writer._TICK = self.ticks

    def _open(self) -> None:
        self.closing = ExitStack()
        manager = self.portal.wrap_async_context_manager(asynccontextmanager(_opened)(self.folder))
        self.catalogue: Opened = self.closing.enter_context(manager)

    def _do(self, work: Any, *arguments: Any, **named: Any) -> Any:
        return self.portal.call(partial(work, *arguments, **named))

    @rule(tenant=tenants, number=numbers, model=st.sampled_from(["gpt-4o", "gpt-5"]))
    def put(self, tenant: str, number: int, model: str) -> None:
        self.said += 1
        said = f"{tenant} {self.said}"
        made = record(TENANTS.index(tenant) * 1000 + number, said=said, meaning=True, model=model)
        self._do(self.catalogue.put, made, tenant=tenant)
        self.portal.call(self.catalogue.memory.put, made.key, made.answer, tenant)
        before = self.entries.get((tenant, number))
        self.entries[tenant, number] = Kept(f"{said} {model}", pinned=before is not None and before.pinned)

    @rule(tenant=tenants, other=st.sampled_from(ALIASES), number=numbers)
    def answer_other_words(self, tenant: str, other: int, number: int) -> None:
        base = TENANTS.index(tenant) * 1000
        promoted = tenant in self.catalogue.store.tenants() and self._do(
            self.catalogue.store.promote, tenant, alias(base + other, base + number)
        )
        assert promoted == ((tenant, number) in self.entries)
        self.portal.call(self.catalogue.memory.forget, [_key(tenant, other)])
        for name, kept in self.entries.items():
            if name[0] == tenant:
                held = kept.aliases - {other} | ({other} if name[1] == number else frozenset())
                self.entries[name] = replace(kept, aliases=held)

    @rule(target=purges, tenant=tenants, chosen=st.sets(numbers, min_size=1))
    def purge_some(self, tenant: str, chosen: set[int]) -> str:
        ids = tuple(_name(tenant, number) for number in sorted(chosen))
        return self._purged(self._do(self.catalogue.purging.purge, Target(ids=ids)), {(tenant, n) for n in chosen})

    @rule(target=purges, tenant=st.none() | tenants)
    def purge_all(self, tenant: str | None) -> str:
        meant = {name for name in self.entries if tenant in (None, name[0])}
        return self._purged(self._do(self.catalogue.purging.purge, Target(tenant=tenant)), meant)

    @rule(target=purges, tenant=st.none() | tenants, counts=st.booleans())
    def purge_by_model(self, tenant: str | None, counts: bool) -> str:
        target = Target(tenant=tenant, filter=Filter(model="gpt-5"))
        meant = {
            name for name, kept in self.entries.items() if tenant in (None, name[0]) and kept.said.endswith("gpt-5")
        }
        confirm = None
        if counts:
            counted = self._do(self.catalogue.purging.count, target)
            assert counted.entries == len(meant)
            confirm = counted.confirm
        return self._purged(self._do(self.catalogue.purging.purge, target, confirm), meant)

    def _purged(self, outcome: Outcome, meant: set[Name]) -> str:
        gone = {name: self.entries.pop(name) for name in meant if name in self.entries}
        assert outcome.entries == len(gone)
        if outcome.purge is not None:
            self.trash[outcome.purge] = gone
        return outcome.purge or "none"

    @rule(purge=consumes(purges))
    def undo(self, purge: str) -> None:
        thrown = self.trash.pop(purge, None)
        if thrown is None:
            self._refused(self.catalogue.purging.restore, purge)
            return
        restored = self._do(self.catalogue.purging.restore, purge)
        back = {name: kept for name, kept in thrown.items() if name not in self.entries}
        assert (restored.entries, restored.outdone) == (len(back), len(thrown) - len(back))
        taken = {(tenant, other) for (tenant, _), kept in self.entries.items() for other in kept.aliases}
        for (tenant, number), kept in back.items():
            free = frozenset(other for other in kept.aliases if (tenant, other) not in taken)
            self.entries[tenant, number] = replace(kept, aliases=free)

    @rule(purge=purges)
    def drop(self, purge: str) -> None:
        if self.trash.pop(purge, None) is None:
            self._refused(self.catalogue.purging.drop, purge)
        else:
            self._do(self.catalogue.purging.drop, purge)

    def _refused(self, work: Any, purge: str) -> None:
        try:
            self._do(work, purge)
        except Unknown:
            return
        raise AssertionError("it was undone twice")

    @rule(tenant=st.none() | tenants)
    def purge_and_undo(self, tenant: str | None) -> None:
        before = self._everything()
        outcome = self._do(self.catalogue.purging.purge, Target(tenant=tenant))
        if outcome.purge is not None:
            self._do(self.catalogue.purging.restore, outcome.purge)
        assert self._everything() == before

    def _everything(self) -> dict[str, Any]:
        return {tenant: everything(self.folder, tenant) for tenant in sorted(self.catalogue.store.tenants())}

    @rule(tenant=tenants, number=numbers, pinned=st.booleans())
    def pin(self, tenant: str, number: int, pinned: bool) -> None:
        self._change(tenant, number, Change(pinned=pinned), pinned=pinned)

    @rule(tenant=tenants, number=numbers)
    def let_expire(self, tenant: str, number: int) -> None:
        self._change(tenant, number, Change(sets_expiry=True, expires=1.0), expired=True)

    def _change(self, tenant: str, number: int, change: Change, **known: bool) -> None:
        kept = self.entries.get((tenant, number))
        try:
            self._do(self.catalogue.changing.change, _name(tenant, number), change)
        except Unknown:
            assert kept is None
        else:
            assert kept is not None
            self.entries[tenant, number] = replace(kept, **known)  # type: ignore[arg-type]

    @rule()
    def time_passes(self) -> None:
        for tenant in self.catalogue.store.tenants():
            drop = partial(upkeep._note_uses_and_drop_expired, uses={})
            self._do(self.catalogue.store.change, tenant, drop)
        self.entries = {name: kept for name, kept in self.entries.items() if kept.answers}

    @rule()
    def restart(self) -> None:
        self.time_passes()  # as a store does when it closes
        self.closing.close()
        self._open()

    @invariant()
    def what_is_served_is_what_the_model_says(self) -> None:
        if not hasattr(self, "catalogue"):
            return
        served, expected = self.portal.call(self._served), {}
        for (tenant, number), kept in self.entries.items():
            if kept.answers:
                expected[tenant, number] = kept.said
                expected.update({(tenant, other): kept.said for other in kept.aliases})
        assert served == expected

    async def _served(self) -> dict[Name, str]:
        """As the exact tier does it: memory first, then the disk."""
        found: dict[Name, str] = {}
        for tenant in TENANTS:
            for number in (*NUMBERS, *ALIASES):
                key = _key(tenant, number)
                answer = self.catalogue.memory.get(key)
                if answer is None or _is_over(answer):
                    answer = await self.catalogue.store.get(tenant, key)
                    if answer is not None:
                        self.catalogue.memory.put(key, answer, tenant)
                if answer is not None and not _is_over(answer):
                    said = json.loads(answer.recorded)["choices"][0]["message"]["content"]
                    found[tenant, number] = f"{said} {answer.facts.model}"
        return found


def _is_over(answer: Answer) -> bool:
    return answer.facts.expires is not None and answer.facts.expires <= time()


async def _opened(folder: Path) -> Any:
    async with opened(folder) as catalogue:
        yield catalogue


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
