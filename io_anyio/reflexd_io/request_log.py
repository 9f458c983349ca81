"""The request log: one line an exchange, without its words unless somebody asked for them, and never with a key.

A request's own ``X-Request-ID`` is kept and told back, and one is made where it is absent or no plain name. Official
SDKs read the provider's ``x-request-id`` from answers, so where an answer has one, be it from upstream or stored, the
client gets that one unchanged; our own name of the exchange always stands in ``X-Reflex-Exchange``. The log has all
that is needed to find one by the other: ``exchange`` and ``request_id``.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from time import perf_counter

from reflexd_core.credentials import Route
from reflexd_core.routing import Target
from reflexd_io.incoming import Request
from reflexd_io.journal import Journal

log = logging.getLogger("reflexd.exchange")

REQUEST_ID = b"x-request-id"
_PLAIN = re.compile(rb"[!-~]{1,128}")


def request_id(headers: Mapping[bytes, bytes], made: str = "") -> bytes:
    """The request's own id; else ``made``, or one that was never given before. ``headers`` by lower-case name."""
    given = headers.get(REQUEST_ID, b"")
    return given if _PLAIN.fullmatch(given) else (made or secrets.token_hex(8)).encode()


class RequestLog:
    def __init__(self, journal: Journal, *, prompts: bool) -> None:
        """``prompts``: whether the beginning of what was asked is logged too."""
        self._journal = journal
        self._prompts = prompts

    def note(self, number: int, request: Request) -> None:
        """An exchange that the journal has."""
        if not log.isEnabledFor(logging.INFO):
            return
        name = self._journal.name(number)
        found = self._journal.find(name)
        if found is None:
            return
        row = self._journal.row(found)
        fields: dict[str, object] = {
            "exchange": name,
            "request_id": request_id(request.raw_named, name).decode(),
            "tenant": row.tenant,
            "client": row.client,
            "path": found.path,
            "dialect": row.dialect,
            "model": row.model,
            "form": row.form,
            "status": "coalesced" if row.joined else row.status,
            "reason": row.reason,
            "http_status": row.http_status,
            "ms": round(row.ms, 3),
            "upstream": found.upstream,
            "entry": row.entry,
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "saved_tokens": row.saved_tokens,
            "saved_dollars": row.saved_dollars,
        }
        if self._prompts:
            fields["question"] = row.question
        log.info("exchange", extra={"fields": fields})

    def note_relayed(self, request: Request, target: Target, route: Route, http_status: int, began: float) -> None:
        """What is no cached dialect and only passed through. ``began``: `time.perf_counter` seconds."""
        if not log.isEnabledFor(logging.INFO):
            return
        fields = {
            "request_id": request_id(request.raw_named, "-").decode(),
            "tenant": self._journal.name_of(route.tenant),
            "method": request.method,
            "path": target.path,
            "status": "relayed",
            "http_status": http_status,
            "ms": round((perf_counter() - began) * 1000, 3),
            "upstream": route.upstream.name,
        }
        log.info("relayed", extra={"fields": fields})
