"""The daemon: everything wired together, from the first lock to the last commit."""

import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread

from reflexd_io import activation, runtime
from reflexd_io.backlog import Backlog
from reflexd_io.catalogue.shelves import Shelves
from reflexd_io.control import Control
from reflexd_io.control.assembly import Parts, endpoints
from reflexd_io.dashboard import Dashboard
from reflexd_io.dashboard.sessions import Sessions
from reflexd_io.driver import Driver
from reflexd_io.events import Events
from reflexd_io.exact import ExactTier
from reflexd_io.flight import Flights
from reflexd_io.gateway import Gateway
from reflexd_io.guard import Guard
from reflexd_io.health import Health
from reflexd_io.http import Connection
from reflexd_io.journal import Journal
from reflexd_io.keys import Keys
from reflexd_io.keys import warm_up as warm_up_keyring
from reflexd_io.ledger import Ledger
from reflexd_io.limits import Turns
from reflexd_io.listener import listening_at, take_listener
from reflexd_io.memory import Memory
from reflexd_io.metrics import Metrics
from reflexd_io.mock_provider import mock_upstreams
from reflexd_io.models import Models
from reflexd_io.own_pages import OwnPages
from reflexd_io.pairs import Pairs
from reflexd_io.passing import Passing
from reflexd_io.peers import Peers
from reflexd_io.policies import Policies
from reflexd_io.relay import Relay
from reflexd_io.request_log import RequestLog
from reflexd_io.router import Router
from reflexd_io.runtime import Runtime
from reflexd_io.semantics import Semantics
from reflexd_io.server import Server
from reflexd_io.serving import Serving
from reflexd_io.settings import Settings
from reflexd_io.stats import Statistics
from reflexd_io.stats.file import StatsFile
from reflexd_io.stats.keeper import Keeper
from reflexd_io.store import Store, files
from reflexd_io.store.room import tenants_in
from reflexd_io.tenants.news import News
from reflexd_io.tenants.registry import Registry
from reflexd_io.upstream import UpstreamClient

log = logging.getLogger(__name__)

WARM = 1000
"""Answers of all tenants that are read into memory after a start, most recently used first."""
_TENANTS = "tenants"
_SIGNAL_POLL = 0.2
"""Seconds between looks at the signals that came, where the event loop knows none."""


Ready = Callable[[Runtime, Settings], None]


async def run(settings: Settings, *, ready: Ready, stop: anyio.Event) -> None:
    """Serve until ``stop`` is set; ``ready`` is called once requests are accepted.

    Raises `runtime.AlreadyRunning`, `CannotListen`, or `OSError` where the storage folder cannot be used.
    """
    with runtime.single_instance(settings.storage_path):
        async with AsyncExitStack() as stack:
            if settings.mock_provider:
                settings = await stack.enter_async_context(mock_upstreams(settings))
            listener = await stack.enter_async_context(await take_listener(settings))
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            settings = listening_at(settings, str(listener.extra(anyio.abc.SocketAttribute.local_address)[0]))
            token = runtime.make_admin_token()
            registry = Registry(settings, files=tenants_in(settings.storage_path / _TENANTS))
            _remove_the_rest(settings.storage_path / _TENANTS, registry.half_removed)
            url = runtime.url_of(settings.bind_addr, port)
            server = await stack.enter_async_context(_server(settings, registry, token, url))
            found = stack.enter_context(runtime.announced(settings.storage_path, settings.bind_addr, port, token))
            ready(found, replace(settings, active_tenant=registry.tenancy.active.name))
            activation.notify("READY=1")
            await server.serve(listener, stop)
            activation.notify("STOPPING=1")


def _remove_the_rest(folder: Path, tenants: Iterable[str]) -> None:
    """Files of tenants that are removed already, which nobody asks for: one that stays must not stop the start."""
    for tenant in tenants:
        try:
            files.remove(folder, tenant)
        except OSError as error:
            log.warning("what is left of removed tenant %s cannot be taken away: %s", tenant, error)


@asynccontextmanager
async def _server(settings: Settings, registry: Registry, admin_token: str, url: str) -> AsyncIterator[Server]:
    salt = runtime.salt(settings.storage_path)
    folder, limit_of = settings.storage_path / _TENANTS, registry.limit_of
    store = Store(folder, max_bytes=settings.storage_bytes, limit_of=limit_of)
    memory = Memory(capacity=settings.l1_capacity, max_bytes=settings.l1_bytes)
    ledger, pairs, models = Ledger(settings.prices), Pairs(), Models(settings)
    policies = Policies(settings, registry)
    events = Events()
    journal = Journal(events, settings.prices, registry.name_of)
    request_log = RequestLog(journal, prompts=settings.log_prompts)
    keeper = Keeper(ledger, StatsFile(settings.storage_path / "stats.sqlite3"))
    kept, backlog, client = Statistics(keeper), Backlog(store, models), UpstreamClient()
    store.start()
    try:
        async with anyio.create_task_group() as tasks:
            stored_keys = Keys()
            flights = Flights(client, stored_keys)
            budget = settings.semantic_budget_ms / 1000
            semantics = Semantics(
                store=store,
                memory=memory,
                models=models,
                backlog=backlog,
                ledger=ledger,
                tasks=tasks,
                budget=budget,
            )
            driver = Driver(
                memory=memory,
                store=store,
                flights=flights,
                semantics=semantics,
                ledger=ledger,
                journal=journal,
                request_log=request_log,
                exact=ExactTier(memory, store, pairs),
                tasks=tasks,
            )
            tasks.start_soon(
                _helped, "comparing by meaning", partial(models.serve, partial(_bind, models, policies, memory))
            )
            tasks.start_soon(_helped, "keeping statistics", keeper.work)
            tasks.start_soon(_helped, "making missing vectors", backlog.work)
            tasks.start_soon(_helped, "warming up memory", partial(_warm_up, store, memory, settings.l1_bytes))
            prepare = partial(anyio.to_thread.run_sync, client.prepare)
            tasks.start_soon(_helped, "reading the system's certificates", prepare)
            tasks.start_soon(_helped, "loading the keyring", _warm_up_keyring)
            health = Health(
                registry=registry, memory=memory, store=store, ledger=ledger, models=models, statistics=kept
            )
            tasks.start_soon(_helped, "watching health", partial(health.watch, events))
            sessions, connections = Sessions(), set[Connection]()
            metrics = Metrics(
                ledger=ledger,
                store=store,
                memory=memory,
                models=models,
                active=driver.__len__,
                storage_limit=settings.storage_bytes,
                name_of=registry.name_of,
            )
            parts = Parts(
                settings=settings,
                url=url,
                registry=registry,
                policies=policies,
                store=store,
                memory=memory,
                shelves=Shelves(store, memory, backlog),
                models=models,
                pairs=pairs,
                journal=journal,
                ledger=ledger,
                statistics=kept,
                health=health,
                events=events,
                keys=stored_keys,
                client=client,
                sessions=sessions,
                connections=connections,
            )
            _watch(registry, policies, memory, events)
            tasks.start_soon(_helped, "keeping time", registry.keep_time)
            guard, control = Guard(settings), Control(admin_token, sessions, endpoints(parts))
            router = Router(settings, registry, salt, opens_control=control.is_opened_by)
            passing = Passing(
                registry=registry, router=router, relay=Relay(client, flights, ledger), request_log=request_log
            )
            serving = Serving(
                registry=registry,
                policies=policies,
                memory=memory,
                driver=driver,
                journal=journal,
                request_log=request_log,
                passing=passing,
                forward_legacy_functions=settings.forward_legacy_functions,
            )
            gateway = Gateway(
                guard=guard,
                turns=Turns(settings.client_requests),
                serving=serving,
                passing=passing,
                own_pages=OwnPages(guard, health, metrics, control),
                dashboard=Dashboard(sessions),
                control=control,
            )
            yield Server(gateway, events, Peers(settings), connections, most=settings.max_connections)
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await client.aclose()
            await keeper.stop()
            await registry.note_on_disk()
            if not await store.close():
                log.error("the disk did not take the last answers in time; they are not kept")


async def _helped(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do what only makes the first requests quicker: no failure of it may end the daemon."""
    try:
        await work()
    except Exception:
        log.exception("%s failed; it goes on without", what)


async def _warm_up(store: Store, memory: Memory, max_bytes: int) -> None:
    """L1 as it was before the restart, as far as it fits."""
    mark = memory.changed.mark()
    async with aclosing(store.newest(WARM, max_bytes)) as found:
        async for tenant, key, answer in found:
            if mark != memory.changed.mark() or not memory.warm(key, answer, tenant):
                return  # it is full, or what was read may be purged by now


def _bind(models: Models, policies: Policies, memory: Memory) -> None:
    """The models are there: from now on they compare."""
    policies.bind(models.judgement, models.threshold, calibrated=models.calibrated)
    memory.forget_known()


def _watch(registry: Registry, policies: Policies, memory: Memory, events: Events) -> None:
    registry.on_change(partial(_forget_rules, policies, memory))
    registry.on_change(News(registry, events).tell)


def _forget_rules(policies: Policies, memory: Memory) -> None:
    """The registry has changed: nothing that was found under the old rules counts."""
    policies.forget()
    memory.forget_known()


async def _warm_up_keyring() -> None:
    warm_up_keyring()


async def stop_on_signals(stop: anyio.Event, force: anyio.CancelScope) -> None:
    """SIGINT and SIGTERM: the first drains, the second ends at once."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    try:
        with anyio.open_signal_receiver(*wanted) as received:
            async for _ in received:
                if stop.is_set():
                    force.cancel()
                    return
                stop.set()
    except NotImplementedError:  # event loops on Windows know no signals
        heard: list[int] = []
        for number in wanted:
            signal.signal(number, lambda number, _: heard.append(number))
        while len(heard) < 2:
            await anyio.sleep(_SIGNAL_POLL)
            if heard:
                stop.set()
        force.cancel()
