"""The router remembers what it found, and nobody can tell: it says what one says that was never asked before."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path

import anyio
import h11
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reflexd_core.credentials import Route, anonymous_tenant
from reflexd_core.model_routes import ModelRoute
from reflexd_core.pauses import Moment
from reflexd_core.routing import read_target
from reflexd_io.incoming import Request
from reflexd_io.peers import Peer
from reflexd_io.router import ROUTES, NoRoute, Router
from reflexd_io.settings import Settings
from reflexd_io.tenants import changes
from reflexd_io.tenants.document import Document
from reflexd_io.tenants.registry import Registry
from support.daemon import settings_for

SALT = bytes(32)
ADMIN = "the-token-of-the-control-api"
KEY = "sk-proj-0123456789abcdef0123"
KEYS = ("reflex", KEY, "gsk_0123456789abcdef0123", "sk-ant-api03-0123456789abcdef", ADMIN)
PATHS = (
    *("/v1/chat/completions", "/v1/messages", "/u/groq/v1/chat/completions", "/t/work/v1/chat/completions"),
    *("/t/private/v1/chat/completions", "/u/nowhere/v1/chat/completions", "/v1/files", f"/v1/files?key={KEY}"),
)
FIRST = (
    *(("/v1/chat/completions", key) for key in KEYS[:3]),
    *(("/t/work/v1/chat/completions", key) for key in KEYS[:2]),
)
"""Who asks from the beginning: where, and with which secret."""
NAMES = ("work", "private", "client")


def router_of(registry: Registry, given: Settings) -> Router:
    return Router(given, registry, SALT, opens_control=lambda secret: secret == ADMIN)


def said(by: Router, request: Request, now: float, *, local: bool, model: str) -> tuple[Route, str, str] | str:
    target = read_target(request.method, request.target.decode())
    try:
        found = by.route(Peer(is_local=local), request, target, now, model=model)
    except NoRoute as error:
        return error.why.message
    return found, found.name, found.hint  # the last two are left out where routes are compared


class Remembered(RuleBasedStateMachine):
    """Tenants and tokens come, change, end by themselves and go, while the same few clients ask."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.now = 1_700_000_000.0
        routes = (ModelRoute(model="llama-*", upstream="groq"),)
        self.settings = settings_for(Path(self.folder.name), "http://127.0.0.1:9", routes=routes)
        self.registry = Registry(self.settings, clock=lambda: Moment(self.now, self.now))
        self.router = router_of(self.registry, self.settings)
        self.secrets = [*KEYS, "rfx_mistyped"]
        self.issued = 0
        self.clients = [(path, [("Host", "reflex"), ("Authorization", f"Bearer {key}")]) for path, key in FIRST]
        for name in NAMES[:2]:
            self.add(name)

    def change(self, change: Callable[[Document], Document]) -> None:
        with suppress(changes.Unfit):  # no such tenant at this time, or one already
            anyio.run(self.registry.change, change)

    @rule(name=st.sampled_from(NAMES))
    def add(self, name: str) -> None:
        self.change(lambda document: changes.add(document, self.settings, name, now=self.now, used=()))

    @rule(name=st.sampled_from(NAMES), to=st.sampled_from(NAMES))
    def rename(self, name: str, to: str) -> None:
        self.change(lambda document: changes.rename(document, self.settings, changes.id_of(document, name), to))

    @rule(name=st.sampled_from(("default", *NAMES)))
    def use(self, name: str) -> None:
        self.change(lambda document: changes.use(document, changes.id_of(document, name), configured="default"))

    @rule(name=st.sampled_from(NAMES))
    def adopt(self, name: str) -> None:
        own = anonymous_tenant(KEY, SALT)
        self.change(lambda document: changes.adopt(document, changes.id_of(document, name), own, seen=[own]))

    @rule(name=st.sampled_from(NAMES), expires_in=st.sampled_from((None, 60.0)))
    def issue(self, name: str, expires_in: float | None) -> None:
        self.issued += 1
        secret = self.issued.to_bytes(32)

        def issued(document: Document) -> Document:
            tenant = changes.id_of(document, name)
            made = changes.issue(document, tenant, secret=secret, name="", expires_in=expires_in, now=self.now)
            self.secrets.append(made[1])
            self.clients.append(("/v1/messages", [("Host", "reflex"), ("X-Api-Key", made[1])]))
            return made[0]

        self.change(issued)

    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        tokens = [kept for _, kept in sorted(self.registry.document.tokens.items()) if not kept.ended]
        if tokens:
            kept = data.draw(st.sampled_from(tokens))
            self.change(lambda document: changes.revoke(document, kept.tenant, kept.id))

    @rule(seconds=st.sampled_from((1.0, 61.0, -30.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        data=st.data(),
        path=st.sampled_from(PATHS),
        named=st.sampled_from((None, None, *NAMES)),
        version=st.booleans(),
    )
    def begin_to_ask(self, data: st.DataObject, path: str, named: str | None, version: bool) -> None:
        headers = [("Host", "reflex")]
        for header, shape in (("Authorization", "Bearer {}"), ("X-Api-Key", "{}"), ("X-Reflex-Token", "{}")):
            secret = data.draw(st.sampled_from((None, None, *self.secrets)))
            headers += [(header, shape.format(secret))] if secret is not None else []
        headers += [("X-Reflex-Tenant", named)] if named is not None else []
        headers += [("Anthropic-Version", "2023-06-01")] if version else []
        self.clients.append((path, headers))

    @invariant()
    def all_is_as_if_never_asked(self) -> None:
        self.registry.settle()
        for path, headers in self.clients:
            for method, local, model in product(("POST", "GET"), (True, False), ("", "llama-3", "\ud800")):
                request = Request(h11.Request(method=method, target=path, headers=headers))
                fresh = router_of(self.registry, self.settings)
                found = said(self.router, request, self.now, local=local, model=model)
                assert found == said(fresh, request, self.now, local=local, model=model)

    def teardown(self) -> None:
        self.folder.cleanup()


TestRemembered = Remembered.TestCase
TestRemembered.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_of_many_clients_the_last_are_remembered(tmp_path: Path) -> None:
    given = settings_for(tmp_path, "http://127.0.0.1:9")
    router = router_of(Registry(given), given)
    for number in range(ROUTES + 100):
        headers = [("Host", "reflex"), ("Authorization", f"Bearer sk-proj-{number:020}")]
        request = Request(h11.Request(method="POST", target="/v1/chat/completions", headers=headers))
        assert said(router, request, 0.0, local=True, model="") == said(router, request, 0.0, local=True, model="")
    assert len(router._routes) == ROUTES
