"""The keeper: loads and builds indexes in two threads of its own, and forgets those that nobody uses.

Nobody waits for it: until an index is there, small scopes are searched without it and large ones are not ready.
Whatever fails is told, and tried again later.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from time import monotonic

from reflexd_io.faults import in_words
from reflexd_io.near import rows
from reflexd_io.near.builder import Plan, build
from reflexd_io.near.files import Verified, tidy
from reflexd_io.near.index import TenantIndex
from reflexd_io.near.loader import load, open_base
from reflexd_io.near.worker import Worker

log = logging.getLogger(__name__)

RETRY = 300.0
"""Seconds after a build that failed."""
OPEN = 16
"""Tenants whose index is loaded; each takes a file, and a large scope's each of its parts."""
IDLE = 900.0
"""Seconds after which an index that nobody used is forgotten, once another one is asked for."""

_PRELOADED = 4
_STOPPING = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    tenant: str
    model: str
    """Empty for that of the base."""
    dimension: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where tenants' files are, and how the keeper gets at what is in them."""

    folder: Path
    open_to_read: Callable[[Path], sqlite3.Connection]
    commit: Callable[[str, bytes, bytes, int], bool]
    """Of a tenant, let another base count: the token that does, the one that shall, and its last id.

    False where it could not, or another one does by now. Blocks.
    """

    def database(self, tenant: str) -> Path:
        return self.folder / f"{tenant}.sqlite3"

    def index(self, tenant: str) -> Path:
        return self.folder / f"{tenant}.near"


class _Stopped(Exception):  # noqa: N818 - it says what the keeper is
    """The daemon ends."""


class Keeper:
    """Everything but `problems` belongs to the event loop's thread."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._verified = Verified()
        self._indexes: OrderedDict[str, tuple[TenantIndex, float]] = OrderedDict()
        self._stopping = threading.Event()
        self._loads = Worker("reflex-index-load", self._load)
        self._builds = Worker("reflex-index-build", self._build, gives_way=True)
        self._not_before: dict[str, float] = {}
        self._too_much: set[Job] = set()
        """What is too much to be loaded without a base: until one is built, loading is not tried again."""
        self.problems: dict[str, str] = {}
        """Tenants whose index could not be made, and why."""

    def start(self) -> None:
        """Load what was used last, so that its first question need not come too early."""
        found = [path for path in self._place.folder.glob("*.near") if path.is_dir()]
        for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
            if not self._place.database(path.stem).exists():
                rmtree(path, ignore_errors=True)
            elif len(self._indexes) < _PRELOADED:
                self.of(path.stem)
                self._loads.ask(Job(path.stem, "", 0))
        self._loads.start()
        self._builds.start()

    def of(self, tenant: str) -> TenantIndex:
        """The tenant's index, which may know nothing yet."""
        now = monotonic()
        index = self._indexes[tenant][0] if tenant in self._indexes else self._new(tenant)
        self._indexes[tenant] = (index, now)
        self._indexes.move_to_end(tenant)
        while len(self._indexes) > OPEN or next(iter(self._indexes.values()))[1] < now - IDLE:
            self._indexes.popitem(last=False)
        return index

    def forget(self, tenant: str) -> None:
        """Its files go."""
        self._indexes.pop(tenant, None)
        self._not_before.pop(tenant, None)
        self.problems.pop(tenant, None)

    def stop(self) -> None:
        """End the threads; what they do is given up. Blocks for a few seconds at most."""
        self._stopping.set()
        for worker in (self._loads, self._builds):
            if not worker.stop(_STOPPING):
                log.warning("an index is still being made; it will be made anew")
        self._indexes.clear()  # their files are closed with them

    def _new(self, tenant: str) -> TenantIndex:
        return TenantIndex(
            lambda model, dimension: self._want_load(Job(tenant, model, dimension)),
            lambda model, dimension: self._want_build(Job(tenant, model, dimension)),
        )

    def _want_load(self, job: Job) -> None:
        """Every search asks until there is an index, and what is too much takes half a second to be found so."""
        if job in self._too_much:
            self._want_build(job)
        else:
            self._loads.ask(job)

    def _want_build(self, job: Job) -> None:
        if monotonic() >= self._not_before.get(job.tenant, 0.0):
            self._builds.ask(job)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise _Stopped

    def _load(self, job: Job) -> None:
        try:
            due = self._offer(job)
            if due is not None:
                self._want_build(due)
        except _Stopped:
            return
        except (sqlite3.Error, OSError) as error:
            log.warning("%s's index cannot be loaded: %s", job.tenant, error)

    def _offer(self, job: Job) -> Job | None:
        """Let the tenant search in what there is; what is to be built, if anything is."""
        self._too_much.discard(job)
        if not self._place.database(job.tenant).exists():
            return None
        with closing(self._place.open_to_read(self._place.database(job.tenant))) as connection:
            folder = self._place.index(job.tenant)
            outcome = load(connection, folder, self._verified, job.model, job.dimension, self._go_on)
        if outcome is None:
            return None
        index = self._indexes.get(job.tenant)
        if outcome.loaded is None:
            self._too_much.add(job)
        elif index is not None:
            index[0].offer(outcome.loaded)
        return Job(job.tenant, outcome.model, outcome.dimension) if outcome.is_due else None

    def _build(self, job: Job) -> None:
        try:
            due = self._offer(job)
            if due is not None:  # else it was asked for once more before the last one was noticed
                self._make(due)
                self._offer(due)
        except _Stopped:
            return
        except (sqlite3.Error, OSError) as error:
            self.problems[job.tenant] = f"the index cannot be made: {in_words(error)}"
            self._not_before[job.tenant] = monotonic() + RETRY
            log.warning("%s's index cannot be made, which is tried again later: %s", job.tenant, error)
        else:
            self.problems.pop(job.tenant, None)

    def _make(self, job: Job) -> None:
        folder = self._place.index(job.tenant)
        folder.mkdir(mode=0o700, exist_ok=True)
        with closing(self._place.open_to_read(self._place.database(job.tenant))) as connection:
            token, upto = rows.committed(connection)
            old = open_base(folder, token, self._verified) if upto else None
            number = rows.number_of(connection, job.model)
            if number is None:
                return
            plan = Plan(
                connection=connection,
                folder=folder,
                model=job.model,
                number=number,
                dimension=job.dimension,
                upto=rows.last_id(connection),
                go_on=self._go_on,
            )
            built = build(plan, old)
        if self._place.commit(job.tenant, token, built.token, plan.upto):
            tidy(folder, built.files)
