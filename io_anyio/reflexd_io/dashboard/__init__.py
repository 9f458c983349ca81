"""The dashboard: one page for a browser, its files as they lie in ``page``, no build step, nothing from elsewhere.

Everything it shows it asks of the control API, with the admin token that somebody typed or a session's (`sessions`),
in the ``Authorization`` header, so no other site can make a browser send it. The policy that goes with the page lets
it run its own scripts and styles only, and talk to nobody but this daemon.
"""

from functools import cache
from hashlib import blake2b
from importlib import resources

import msgspec

from reflexd_core.routing import Target
from reflexd_io.control_client.shapes.dashboard import Session, Visit
from reflexd_io.dashboard.sessions import SESSION_LIVES, Sessions
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, Request
from reflexd_io.own_headers import guarding

LIMIT = 64 * 1024
SESSION = "/dashboard/session"

_TYPES = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_GUARDING = [*guarding(_POLICY), (b"Cross-Origin-Opener-Policy", b"same-origin")]
Headers = list[tuple[bytes, bytes]]
Reply = tuple[int, Headers, bytes]


class Dashboard:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, connection: Connection, request: Request, target: Target) -> None:
        pieces, whole = await connection.read_body(LIMIT)
        if not whole:
            raise BadRequest(413, f"{target.path} takes no body of this size")
        status, headers, body = self._reply(request, target.path, b"".join(pieces))
        length = [] if status == 304 else [(b"Content-Length", str(len(body)).encode())]
        await connection.respond(status, [*headers, *length, *_GUARDING], body)

    def _reply(self, request: Request, path: str, body: bytes) -> Reply:
        if path == SESSION:
            if request.method != "POST":
                return _refusal(405, "Only POST does anything here.", (b"Allow", b"POST"))
            return self._exchange(body)
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, f"{path} can only be read.", (b"Allow", b"GET, HEAD"))
        found = files().get(path.removeprefix("/dashboard").removeprefix("/") or "index.html")
        if found is None:
            return _refusal(404, f"The dashboard has no {path}.")
        content, content_type, tag = found
        headers = [(b"ETag", tag), (b"Cache-Control", b"no-cache")]
        if request.raw_named.get(b"if-none-match") == tag:
            return 304, headers, b""
        return 200, [*headers, (b"Content-Type", content_type)], content

    def _exchange(self, body: bytes) -> Reply:
        try:
            visit = msgspec.json.decode(body, type=Visit)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _refusal(400, 'The body must be {"code": "…"}.')
        token = self._sessions.exchange(visit.code)
        if token is None:
            return _refusal(401, "This code was used, is too old, or never was one: run `reflexd dashboard` again.")
        return 200, _json(), msgspec.json.encode(Session(token=token, lives=SESSION_LIVES))


@cache
def files() -> dict[str, tuple[bytes, bytes, bytes]]:
    """The page's files by name: content, content type and entity tag."""
    found = {}
    for file in resources.files("reflexd_io.dashboard").joinpath("page").iterdir():
        content_type = _TYPES.get(file.name.rpartition(".")[2])
        if content_type is not None:
            content = file.read_bytes()
            tag = blake2b(content, digest_size=12).hexdigest()
            found[file.name] = (content, content_type, f'"{tag}"'.encode())
    return found


def _refusal(status: int, message: str, *more: tuple[bytes, bytes]) -> Reply:
    return status, [*_json(), *more], msgspec.json.encode({"error": {"code": "refused", "message": message}})


def _json() -> Headers:
    return [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
