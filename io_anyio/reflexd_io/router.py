"""The router: a request's tenant, upstream and whose key, by what the registry and the settings say now.

A client asks with the same credentials at the same paths all day, so routes that were found are remembered until the
tenancy changes; what ends by itself (a token) changes it too, since the registry is settled before anyone asks here.
"""

from collections.abc import Callable

import msgspec

from reflexd_core.credentials import Route, Unroutable, Whose, credentials_of, keys_in_query, route
from reflexd_core.keys import memo_key
from reflexd_core.routing import Target
from reflexd_io import codings
from reflexd_io.incoming import Request
from reflexd_io.peers import Peer
from reflexd_io.settings import Settings
from reflexd_io.tenants.registry import Registry

ROUTES = 1024
"""Routes that are remembered; some 1 KB each."""

_TOKEN_REQUIRED = Unroutable(
    code="token_required",
    message="This Reflex wants a token of every client: have one made with `reflexd tenants token <tenant> add`, and "
    "send it as a bearer, as x-api-key, or in x-reflex-token beside a key of your own.",
)

_ADMIN_TOKEN = Unroutable(
    code="admin_token",
    message="This holds the token of Reflex's control API, which no provider is to have: send your provider key, a "
    "token of `reflexd tenants token <tenant> add`, or any placeholder.",
)


class NoRoute(Exception):  # noqa: N818 - it says what there is
    """A request that can go nowhere; ``why`` says how to mend it."""

    def __init__(self, why: Unroutable) -> None:
        super().__init__(why.message)
        self.why = why


class _Asks(msgspec.Struct):
    model: str = ""


class Router:
    def __init__(
        self, settings: Settings, registry: Registry, salt: bytes, *, opens_control: Callable[[str], bool]
    ) -> None:
        """``opens_control``: whether a secret is one of the control API's, which never leaves."""
        self._opens_control = opens_control
        self._settings = settings
        self._registry = registry
        self._salt = salt
        self._routes: dict[bytes, Route] = {}
        self._routes_of = registry.tenancy

    def route(self, peer: Peer, request: Request, target: Target, now: float, *, model: str = "") -> Route:
        """``target`` is what the request was read as; the registry is settled. Raises `NoRoute`."""
        if self._routes_of is not self._registry.tenancy:
            self._routes, self._routes_of = {}, self._registry.tenancy
        where = b" here " if peer.is_local else b" elsewhere "
        heeded = (request.method.encode(), where, model.encode("utf-8", "surrogatepass"))
        key = memo_key(request.target, request.raw_named, heeded)
        found = self._routes.get(key)
        if found is None:
            found = self._find(peer, request, target, now, model)
            if len(self._routes) >= ROUTES:
                del self._routes[next(iter(self._routes))]
            self._routes[key] = found
        return found

    def _find(self, peer: Peer, request: Request, target: Target, now: float, model: str) -> Route:
        if any(map(self._opens_control, (*credentials_of(request.named).values(), *keys_in_query(target.query)))):
            raise NoRoute(_ADMIN_TOKEN)
        found = route(
            target=target,
            headers=request.named,
            upstreams=self._settings.upstreams,
            default_upstream=self._settings.default_upstream,
            tenancy=self._registry.tenancy,
            salt=self._salt,
            now=now,
            on_loopback=peer.is_local,
            model_routes=self._settings.routes,
            model=model,
        )
        if isinstance(found, Unroutable):
            raise NoRoute(found)
        if found.token is None and self._settings.wants_tokens:
            raise NoRoute(_TOKEN_REQUIRED)
        return found

    def asks_for_model(self, found: Route, target: Target) -> bool:
        """Whether the model that the body names may change where the request goes."""
        return bool(self._settings.routes) and found.whose is Whose.STORED and target.upstream is None


def model_in(request: Request, raw: bytes, limit: int) -> str:
    """The model that a body asks for; empty where it names none, or cannot be read that far."""
    try:
        plain = codings.decode(raw, request.named.get("content-encoding"), limit)
        return msgspec.json.decode(plain, type=_Asks).model
    except (codings.Undecodable, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
