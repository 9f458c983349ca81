"""The registry: who the tenants are now, for the request path as immutable values, and how that is changed.

No request looks on the disk: it reads `tenancy` and `policy_of`, which are replaced as a whole. A change is written
first and holds from the next request on; requests under way keep what they were given. What ends by itself (a pause,
a token) ends by the clock that is handed in.
"""

import logging
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic, time
from typing import TypeVar

import anyio
import anyio.to_thread
import msgspec

from reflexd_core.credentials import Route
from reflexd_core.pauses import Moment, Pause, restored
from reflexd_core.policy import Policy, Semantic
from reflexd_core.tenancy import ANONYMOUS, Tenancy
from reflexd_io import values
from reflexd_io.faults import in_words
from reflexd_io.policy_settings import POLICY, with_setting
from reflexd_io.settings import Settings
from reflexd_io.tenants import changes
from reflexd_io.tenants.document import EVERYBODY, FILE, Document, KeptPause, load, save
from reflexd_io.tenants.tenancy import tenancy_of

log = logging.getLogger(__name__)

T = TypeVar("T")

SEEN = 10_000
"""Provider keys that are remembered since the start, the last used ones."""
_UPKEEP = 300.0
"""Seconds between notes on the disk of when tokens were used."""
_LOOK = 1.0
"""Seconds between looks at the clock while something is about to end: it may have been set."""


class NotKept(Exception):  # noqa: N818 - it says what the change is
    """A change could not be written, so nothing has changed; the message says why."""


@dataclass(slots=True)
class Seen:
    """A provider key since the start."""

    used: float
    hint: str
    upstream: str


def system_clock() -> Moment:
    return Moment(time(), monotonic())


class Registry:
    """Everything but the writing happens in the event loop's thread."""

    def __init__(
        self, settings: Settings, *, files: Collection[str] = (), clock: Callable[[], Moment] = system_clock
    ) -> None:
        """``files``: ids of tenants that have a file. Raises `OSError` where the registry cannot be used."""
        self._settings = settings
        self._storage = settings.storage_path
        self._clock = clock
        self._lock = anyio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._woken = anyio.Event()
        self.seen: dict[str, Seen] = {}
        self._tokens_used: dict[str, float] = {}
        self._pauses: dict[str, tuple[KeptPause, Pause]] = {}
        self._written = load(self._storage)
        document = changes.with_configured(self._written, settings, files)
        _check(document, self._storage / FILE)
        self.half_removed = [each for each in files if each in document.tenants and document.tenants[each].removed]
        """Ids of tenants whose removal an end of the daemon has cut short: their files are to go."""
        self._take(_with_restored_pauses(document, clock()))

    # What the request path reads

    tenancy: Tenancy
    document: Document
    next_end: float
    """By the wall clock: when something is over that ends by itself; infinity where nothing does."""

    def policy_of(self, tenant: str) -> Policy:
        """By id, as settings, registry and clock have it; the models are yet to be bound into it."""
        policy = self.settled(tenant)
        if EVERYBODY in self._pauses or tenant in self._pauses:
            policy = replace(policy, caching=False)
        match self.document.mode:
            case "exact":
                policy = replace(policy, semantic=Semantic.OFF)
            case "shadow" if policy.semantic is Semantic.ON:
                policy = replace(policy, semantic=Semantic.SHADOW)
            case _:
                pass
        return policy

    def settled(self, tenant: str) -> Policy:
        """As settings and registry have it, pauses and the mode left out of account."""
        policy = self.inherited(tenant)
        kept = self.document.tenants.get(tenant)
        for name, value in kept.settings.items() if kept is not None else ():
            policy = with_setting(policy, name, value)
        return policy

    def limit_of(self, tenant: str) -> int | None:
        """What its files may take, in bytes. Of any thread: what it reads is replaced as a whole."""
        return self.settled(tenant).storage_bytes

    def inherited(self, tenant: str) -> Policy:
        """What config.toml says."""
        return self._settings.policy_of(self.name_of(tenant))

    def note_use(self, route: Route, now: float) -> None:
        """A request came by this route."""
        if route.token is not None:
            self._tokens_used[route.token] = now
        if route.key is not None:
            seen = self.seen.get(route.key)
            if seen is not None:
                seen.used = now
                return
            while len(self.seen) >= SEEN:
                del self.seen[min(self.seen, key=lambda key: self.seen[key].used)]
            self.seen[route.key] = Seen(now, route.hint, route.upstream.name)

    # What people are shown

    def name_of(self, tenant: str) -> str:
        """By id; anonymous tenants are named as their ids are."""
        kept = self.document.tenants.get(tenant)
        return kept.name if kept is not None else tenant

    def id_of(self, name: str) -> str:
        """By name; raises `changes.Unfit` where nobody is called so and no file is."""
        return changes.id_of(self.document, name)

    def known(self, name: str) -> str:
        """As `id_of`; anonymous tenants are named as their ids are."""
        return name if name.startswith(ANONYMOUS) else self.id_of(name)

    def pause_of(self, tenant: str) -> Pause | None:
        """By id, or of `EVERYBODY`."""
        held = self._pauses.get(tenant)
        return held[1] if held is not None else None

    def used_of(self, token: str) -> float | None:
        """When a token, by its id, was used since the start."""
        return self._tokens_used.get(token)

    # How it is changed

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call it in the event loop after each change, before any request can see it half done."""
        self._listeners.append(listener)

    async def change(self, change: Callable[[Document], Document]) -> None:
        """Once this returns it is safe and holds for the next request. Raises `changes.Unfit` and `NotKept`."""
        await self.change_for(lambda document: (change(document), None))

    async def change_for(self, change: Callable[[Document], tuple[Document, T]]) -> T:
        """As `change`; what it gives beside the next document."""
        async with self._lock:
            document, given = change(self.document)
            await self._keep(self._with_uses(document))
        return given

    async def pause(self, tenant: str, seconds: float | None) -> None:
        """Pass the tenant's requests through, by id, or `EVERYBODY`'s. Raises as `change`."""
        now = self._clock()
        await self.change(partial(changes.pause, tenant=tenant, seconds=seconds, now=now.wall))

    def settle(self) -> None:
        """Before a request is looked at: end what is over by now. Costs a comparison where nothing ends by itself."""
        if self.next_end != math.inf and self._clock().wall >= self.next_end:
            self.lapse()

    def lapse(self) -> None:
        """End what is over by now."""
        now = self._clock()
        over = [tenant for tenant, (_, pause) in self._pauses.items() if pause.is_over(now)]
        expired = {
            digest
            for digest, kept in self.document.tokens.items()
            if not kept.ended and kept.expires is not None and kept.expires <= now.wall
        }
        document = self.document
        for tenant in over:
            document = changes.resume(document, tenant)
        tokens = {
            digest: msgspec.structs.replace(kept, ended=True) if digest in expired else kept
            for digest, kept in document.tokens.items()
        }
        self._take(msgspec.structs.replace(document, tokens=tokens) if expired else document)
        if over or expired:
            self._tell()

    async def keep_time(self) -> None:
        """For ever: end what ends by itself, and note on the disk now and then when tokens were used."""
        noted = self._clock().steady
        while True:
            woken = self._woken
            with anyio.move_on_after(self._until_next_look()):
                await woken.wait()
                continue
            now = self._clock()
            before = self.document
            self.lapse()
            due = self._tokens_used and now.steady - noted >= _UPKEEP
            if due or self.document is not before:
                noted = now.steady
                await self.note_on_disk()

    async def note_on_disk(self) -> None:
        """What has ended and when tokens were used. No failure of it matters: it is found again, or missed once."""
        if self._with_uses(self.document) == self._written:
            return
        try:
            await self.change(lambda document: document)
        except NotKept as error:
            log.warning("the registry could not be written: %s", error)

    async def _keep(self, document: Document) -> None:
        with anyio.CancelScope(shield=True):  # else it might be written, and not hold until the next start
            try:
                await anyio.to_thread.run_sync(save, self._storage, document)
            except OSError as error:
                raise NotKept(f"{FILE}: {in_words(error)}") from error
            self._written = document
            self._take(document)
            self._tell()

    def _until_next_look(self) -> float:
        now = self._clock()
        left = [left for _, pause in self._pauses.values() if (left := pause.left(now)) is not None]
        if not left and self.next_end == math.inf:
            return _UPKEEP
        return min([_LOOK, *left, max(0.0, self.next_end - now.wall)])

    def _take(self, document: Document) -> None:
        """From now on this one holds."""
        now = self._clock()
        pauses: dict[str, tuple[KeptPause, Pause]] = {}
        for tenant, kept in document.pauses.items():
            held = self._pauses.get(tenant)
            known = held is not None and held[0] == kept
            pauses[tenant] = held if held is not None and known else (kept, Pause(began=now, seconds=kept.seconds))
        self._pauses = pauses
        self.document = document
        self.tenancy = tenancy_of(document, self._settings)
        ends = [pause.until for _, pause in pauses.values()]
        ends += [kept.expires for kept in document.tokens.values() if not kept.ended]
        self.next_end = min((end for end in ends if end is not None), default=math.inf)

    def _tell(self) -> None:
        self._woken.set()
        self._woken = anyio.Event()
        for listener in self._listeners:
            listener()

    def _with_uses(self, document: Document) -> Document:
        tokens = {
            digest: msgspec.structs.replace(kept, used=self._tokens_used.get(kept.id, kept.used))
            for digest, kept in document.tokens.items()
        }
        return msgspec.structs.replace(document, tokens=tokens)


def _with_restored_pauses(document: Document, now: Moment) -> Document:
    pauses = {each: restored(kept.until, kept.seconds, now) for each, kept in document.pauses.items()}
    kept = {
        each: KeptPause(seconds=pause.seconds, until=pause.until)
        for each, pause in pauses.items()
        if pause is not None
    }
    return msgspec.structs.replace(document, pauses=kept)


def _check(document: Document, path: object) -> None:
    """Raises `OSError` where a tenant's policy cannot be read."""
    for kept in document.tenants.values():
        for name, value in kept.settings.items():
            try:
                values.refuse_unknown(kept.name, [name], set(POLICY))
                with_setting(Policy(), name, value)
            except values.BadSetting as error:
                raise OSError(f"{path}: the policy of tenant {kept.name!r} cannot be read: {error}") from error
