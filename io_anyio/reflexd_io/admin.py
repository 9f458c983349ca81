"""The control API, ``/admin/*``: what a person may look at and change while the daemon runs.

Every request carries the admin token of the runtime file, which only the daemon's own user can read. Answers are
JSON; errors say in words what is wrong.
"""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from reflexd_core.canonical import Json
from reflexd_core.routing import Target
from reflexd_io.feedback import Feedback, Unknown
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, Request
from reflexd_io.store import StoreUnavailable

LIMIT = 1024 * 1024
_WRONG = re.compile(r"/admin/entries/([0-9a-f]{32})/wrong")
_AUDITS = "/admin/audits"

Answer = tuple[int, Json]


class Admin:
    def __init__(self, token: str, feedback: Feedback) -> None:
        self._token = token.encode()
        self._feedback = feedback

    async def answer(self, connection: Connection, request: Request, target: Target) -> None:
        pieces, whole = await connection.read_body(LIMIT)
        if not whole:
            raise BadRequest(413, f"{target.path} takes no body of this size")
        status, page = await self._answer(request, target, b"".join(pieces))
        body = msgspec.json.encode(page)
        headers = [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode())]
        await connection.respond(status, [*headers, (b"Cache-Control", b"no-store")], body)

    async def _answer(self, request: Request, target: Target, body: bytes) -> Answer:
        if not self._is_allowed(request.named):
            return 401, _error("unauthorized", "The control API wants 'Authorization: Bearer <admin token>'.")
        try:
            wrong = _WRONG.fullmatch(target.path)
            if wrong is not None and request.method == "POST":
                return 200, await self._feedback.wrong(wrong[1], _exchange_in(body))
            if target.path == _AUDITS and request.method == "GET":
                return 200, await self._feedback.audits(parse_qs(target.query).get("tenant", [""])[-1])
            if wrong is not None or target.path == _AUDITS:
                return 405, _error("method_not_allowed", f"{request.method} does nothing at {target.path}.")
        except Unknown as error:
            return 404, _error("not_found", str(error))
        except ValueError as error:
            return 400, _error("bad_request", str(error))
        except StoreUnavailable as error:
            return 503, _error("store_unavailable", f"The store cannot be changed now: {error}")
        return 404, _error("not_found", f"Reflex has no {target.path}.")

    def _is_allowed(self, named: Mapping[str, str]) -> bool:
        scheme, _, token = named.get("authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "surrogatepass")
        return scheme.lower() == "bearer" and hmac.compare_digest(given, self._token)


def _exchange_in(body: bytes) -> str:
    try:
        asked = msgspec.json.decode(body)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("exchange"), str):
        raise ValueError('the body must name the exchange: {"exchange": "…"}, as X-Reflex-Exchange told it')
    return str(asked["exchange"])


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}
