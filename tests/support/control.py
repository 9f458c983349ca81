"""A scripted daemon: the control API over a real socket, from shapes in memory.

It says what it is told to say, as fast as it is told to, and can refuse, be slow, end in the midst of an answer and
come back at the same address. What a face asked for stands in ``asked``.
"""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from reflexd_io.control_client import Place
from reflexd_io.control_client.shapes import common, entries, exchanges, keys, tenants
from reflexd_io.control_client.shapes.events import ChangedEvent, DroppedEvent, Event, ExchangeEvent, PurgedEvent
from support.world import NOW, World, world

TOKEN = "admin-token"
S = TypeVar("S")


class No(Exception):  # noqa: N818 - it says what the daemon says
    """What it refuses, and with what status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class ScriptedDaemon:
    world: World = field(default_factory=world)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path with its query, body."""
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By a part of "METHOD path": status and words."""
    delay: float = 0.0
    """Seconds before each answer."""
    held: str | None = None
    """Where this is part of "METHOD path", no answer comes until it is stopped."""
    cut: str | None = None
    """The connection is closed without an answer where this is part of "METHOD path"."""
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _listeners: list["queue.SimpleQueue[bytes | None]"] = field(default_factory=list)
    _number: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def place(self) -> Place:
        return Place(self.url, TOKEN)

    def start(self) -> None:
        daemon = self

        class Handler(_Handler):
            scripted = daemon

        self._stopped.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.world.state = msgspec.structs.replace(self.world.state, url="http://127.0.0.1:8080")
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """As if it were killed: streams end, nobody listens any more."""
        self._stopped.set()
        if self._server is not None:
            server, self._server = self._server, None
            listeners, self._listeners = self._listeners, []
            for listener in listeners:
                listener.put(None)
            server.shutdown()
            server.server_close()

    @contextmanager
    def running(self) -> Iterator["ScriptedDaemon"]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def tell(self, *events: Event) -> None:
        """To all who listen to ``/admin/events``, in one piece."""
        told = bytearray()
        for event in events:
            self._number += 1
            if isinstance(event, ExchangeEvent):
                self.world.exchanges.append(event.exchange)
            told += b"id: %d\ndata: %s\n\n" % (self._number, msgspec.json.encode(event))
        for listener in list(self._listeners):
            listener.put(bytes(told))

    def drop(self, count: int) -> None:
        self.tell(DroppedEvent(count=count))

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    # What it answers

    def answer(self, method: str, target: str, body: bytes) -> Any:
        parts = urlsplit(target)
        given = dict(parse_qsl(parts.query))
        sent = msgspec.json.decode(body) if body.strip() else {}
        self.asked.append((method, target, sent))
        if self.delay:
            time.sleep(self.delay)
        for part, (status, message) in self.refusals.items():
            if part in f"{method} {target}":
                raise No(status, message)
        for wanted, pattern, reply in _ROUTES:
            found = re.fullmatch(pattern, parts.path)
            if found is not None and wanted == method:
                return reply(self, [unquote(group) for group in found.groups()], given or sent)
        raise No(404, f"there is no {method} {parts.path}")

    def found(self, query: entries.EntryFilter) -> list[entries.EntryRow]:
        def holds(row: entries.EntryRow) -> bool:
            return (
                (query.tenant in (None, row.tenant))
                and (query.model in (None, row.model))
                and (query.pinned in (None, row.pinned))
                and (query.tier in (None, "exact" if row.exact_only else "semantic"))
                and all(_occurs(word, row.question + " " + row.answer) for word in (query.text or "").split())
            )

        return [row for row in self.world.entries.values() if holds(row)]


def _occurs(word: str, text: str) -> bool:
    """Whole words, as the real one has it; those that end in a star are beginnings."""
    end = "" if word.endswith("*") else r"\b"
    return re.search(rf"\b{re.escape(word.rstrip('*'))}{end}", text, re.IGNORECASE) is not None


def _state(daemon: ScriptedDaemon, _: list[str], __: Any) -> Any:
    return daemon.world.state


def _exchanges(daemon: ScriptedDaemon, _: list[str], given: Any) -> Any:
    newest = list(reversed(daemon.world.exchanges))
    return exchanges.ExchangePage(items=newest[: int(given.get("limit", 100))])


def _exchange(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    known = daemon.world.details.get(names[0])
    if known is not None:
        return known
    for row in daemon.world.exchanges:
        if row.id == names[0]:
            return exchanges.ExchangeDetail(row=row, path="/v1/chat/completions", upstream="openai")
    raise No(404, "that exchange is not remembered")


def _explain(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    known = daemon.world.explained.get(names[0])
    if known is None:
        raise No(404, "there is nothing to compare it with")
    return known


def _entries(daemon: ScriptedDaemon, _: list[str], given: Any) -> Any:
    query = msgspec.convert(given, entries.EntryQuery, strict=False)
    rows = sorted(daemon.found(query), key=lambda row: _order(getattr(row, query.sort)), reverse=query.descending)
    at = int(query.cursor or 0)
    behind = at + query.limit
    return entries.EntryPage(
        items=rows[at:behind],
        next=str(behind) if behind < len(rows) else None,
        total=len(rows) if len(rows) <= 10_000 else None,
        at_least=None if len(rows) <= 10_000 else 10_000,
    )


def _order(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value or 0


def _export(daemon: ScriptedDaemon, _: list[str], given: Any) -> bytes:
    """A line each, of its id alone."""
    kept = [name for name in given.get("ids", "").split(",") if name in daemon.world.entries]
    return b"".join(msgspec.json.encode({"key": name}) + b"\n" for name in kept)


def _entry(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    row = daemon.world.entries.get(names[0])
    if row is None:
        raise No(404, "nothing is stored under that id")
    known = daemon.world.entry_details.get(row.id)
    if known is not None:
        return msgspec.structs.replace(known, row=row)
    return entries.EntryDetail(
        row=row, question=row.question, answer_text=row.answer, answer=row.answer, form="body",
        request=msgspec.Raw(b'{"model":"gpt-4o","messages":[]}'),
    )  # fmt: skip


def _change_entry(daemon: ScriptedDaemon, names: list[str], sent: Any) -> Any:
    row = daemon.world.entries.get(names[0])
    if row is None:
        raise No(404, "nothing is stored under that id")
    if "pinned" in sent:
        row = msgspec.structs.replace(row, pinned=sent["pinned"])
    if "expires_in" in sent:
        left = sent["expires_in"]
        row = msgspec.structs.replace(row, expires=None if left is None else NOW + left)
    daemon.world.entries[row.id] = row
    return row


def _pairing(daemon: ScriptedDaemon, names: list[str], sent: Any) -> Any:
    detail = daemon.world.details.get(sent["exchange"])
    asked = detail.question if detail is not None else None
    return exchanges.WrongPairing(entry=names[0], tenant="work", stored="", asked=asked or "", score=0.97)


def _purge(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    what = msgspec.convert(sent, entries.Purge)
    rows = daemon.found(what.filter or entries.EntryFilter())
    if what.ids is not None:
        rows = [row for row in rows if row.id in what.ids]
    by_tenant: dict[str, int] = {}
    for row in rows:
        by_tenant[row.tenant] = by_tenant.get(row.tenant, 0) + 1
    counted = entries.Purged(
        count=len(rows), size=sum(row.size for row in rows), tenants=by_tenant, examples=rows[:5],
        pinned=sum(row.pinned for row in rows),
    )  # fmt: skip
    if what.dry_run:
        return msgspec.structs.replace(counted, confirm=f"word-{len(rows)}")
    if not rows:
        return counted
    purge = f"purge{len(daemon.world.trash) + 1}"
    for row in rows:
        del daemon.world.entries[row.id]
    kept = entries.TrashRow(
        purge=purge, at=NOW, undo_until=NOW + 600, count=len(rows), size=counted.size, what="marked entries"
    )
    daemon.world.trash[purge] = (kept, rows)
    daemon.tell(PurgedEvent(purge=purge, count=len(rows), what="", at=NOW))
    return msgspec.structs.replace(counted, purge=purge, undo_until=NOW + 600, examples=[])


def _trash(daemon: ScriptedDaemon, _: list[str], __: Any) -> Any:
    return entries.Trash(items=[kept for kept, _ in daemon.world.trash.values()])


def _restore(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    if names[0] not in daemon.world.trash:
        raise No(404, "that purge cannot be taken back any more")
    _, rows = daemon.world.trash.pop(names[0])
    daemon.world.entries.update({row.id: row for row in rows})
    return entries.Restored(count=len(rows))


def _empty_trash(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    daemon.world.trash.pop(names[0], None)
    return common.Done(message="dropped")


def _tenants(daemon: ScriptedDaemon, _: list[str], __: Any) -> Any:
    return tenants.Tenants(active=daemon.world.state.active_tenant, items=list(daemon.world.tenants.values()))


def _add_tenant(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    name = sent["name"]
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise No(400, f"{name!r} is no name for a tenant: lower-case letters, digits, - and _")
    daemon.world.tenants[name] = tenants.TenantRow(name=name, active=False)
    return daemon.world.tenants[name]


def _rename_tenant(daemon: ScriptedDaemon, names: list[str], sent: Any) -> Any:
    row = daemon.world.tenants.pop(names[0])
    daemon.world.tenants[sent["name"]] = msgspec.structs.replace(row, name=sent["name"])
    return daemon.world.tenants[sent["name"]]


def _remove_tenant(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    daemon.world.tenants.pop(names[0])
    return common.Done()


def _use(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    name = sent["tenant"]
    if name not in daemon.world.tenants:
        raise No(404, f"there is no tenant {name!r}")
    for other, row in daemon.world.tenants.items():
        daemon.world.tenants[other] = msgspec.structs.replace(row, active=other == name)
    daemon.world.state = msgspec.structs.replace(daemon.world.state, active_tenant=name)
    daemon.tell(ChangedEvent(what="state", at=NOW))
    return _tenants(daemon, [], {})


def _policy(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    return tenants.TenantPolicy(tenant=names[0], settings=daemon.world.policy)


def _change_policy(daemon: ScriptedDaemon, names: list[str], sent: Any) -> Any:
    for name, value in sent["settings"].items():
        for place, setting in enumerate(daemon.world.policy):
            if setting.name == name:
                if name.endswith("ttl") and not isinstance(value, int | float | None):
                    raise No(400, f"{name}: {value!r} is no {setting.expected}")
                origin = "default" if value is None else "tenant"
                shown = setting.inherited if value is None else value
                changed = msgspec.structs.replace(setting, value=shown, origin=origin)
                daemon.world.policy[place] = changed
    return _policy(daemon, names, {})


def _tokens(daemon: ScriptedDaemon, _: list[str], __: Any) -> Any:
    return tenants.Tokens(items=daemon.world.tokens)


def _issue(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    row = tenants.TokenRow(id=f"t{len(daemon.world.tokens)}", name=sent.get("name", ""), hint="9f3c", created=NOW)
    daemon.world.tokens.append(row)
    return tenants.IssuedToken(token="rfx_0123456789abcdef9f3c", row=row)


def _revoke(daemon: ScriptedDaemon, names: list[str], _: Any) -> Any:
    daemon.world.tokens = [row for row in daemon.world.tokens if row.id != names[1]]
    return common.Done()


def _seen(daemon: ScriptedDaemon, _: list[str], __: Any) -> Any:
    return tenants.SeenKeys(items=daemon.world.seen)


def _adopt(_: ScriptedDaemon, __: list[str], ___: Any) -> Any:
    return common.Done(message="adopted")


def _keys(daemon: ScriptedDaemon, _: list[str], __: Any) -> Any:
    return keys.KeyList(keyring="Secret Service", items=daemon.world.keys)


def _set_key(daemon: ScriptedDaemon, names: list[str], sent: Any) -> Any:
    for place, row in enumerate(daemon.world.keys):
        if row.upstream == names[1]:
            changed = msgspec.structs.replace(row, source="keyring", hint=sent["key"][-4:])
            daemon.world.keys[place] = changed
            return changed
    raise No(404, "there is no such provider")


def _test_key(_: ScriptedDaemon, names: list[str], __: Any) -> Any:
    return keys.KeyTest(ok=True, verdict="ok", http_status=200, message=f"{names[1]} took the key.")


def _pause(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    until = -1.0 if sent.get("seconds") is None else NOW + sent["seconds"]
    if sent.get("tenant"):
        return _pause_tenant(daemon, sent["tenant"], until)
    daemon.world.state = msgspec.structs.replace(daemon.world.state, caching=False, paused_until=until)
    return daemon.world.state


def _pause_tenant(daemon: ScriptedDaemon, name: str, until: float | None) -> Any:
    daemon.world.tenants[name] = msgspec.structs.replace(daemon.world.tenants[name], paused_until=until)
    return daemon.world.state


def _resume(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    if sent.get("tenant"):
        return _pause_tenant(daemon, sent["tenant"], None)
    daemon.world.state = msgspec.structs.replace(daemon.world.state, caching=True, paused_until=None)
    return daemon.world.state


def _mode(daemon: ScriptedDaemon, _: list[str], sent: Any) -> Any:
    daemon.world.state = msgspec.structs.replace(daemon.world.state, mode=sent["mode"])
    return daemon.world.state


def _stats(daemon: ScriptedDaemon, _: list[str], given: Any) -> Any:
    return msgspec.structs.replace(daemon.world.stats, range=given.get("range", "today"))


def _audits(daemon: ScriptedDaemon, _: list[str], given: Any) -> Any:
    return daemon.world.audits


Reply = Callable[[ScriptedDaemon, list[str], Any], Any]
_ROUTES: list[tuple[str, str, Reply]] = [
    ("GET", "/admin/state", _state),
    ("GET", "/admin/exchanges", _exchanges),
    ("GET", "/admin/exchanges/([^/]+)", _exchange),
    ("GET", "/admin/exchanges/([^/]+)/diff", _explain),
    ("GET", "/admin/entries", _entries),
    ("GET", "/admin/export", _export),
    ("GET", "/admin/entries/([^/]+)", _entry),
    ("PATCH", "/admin/entries/([^/]+)", _change_entry),
    ("POST", "/admin/entries/([^/]+)/wrong", _pairing),
    ("DELETE", "/admin/entries/([^/]+)/wrong", _pairing),
    ("POST", "/admin/purge", _purge),
    ("GET", "/admin/trash", _trash),
    ("POST", "/admin/trash/([^/]+)/restore", _restore),
    ("DELETE", "/admin/trash/([^/]+)", _empty_trash),
    ("GET", "/admin/tenants", _tenants),
    ("POST", "/admin/tenants", _add_tenant),
    ("PATCH", "/admin/tenants/([^/]+)", _rename_tenant),
    ("DELETE", "/admin/tenants/([^/]+)", _remove_tenant),
    ("PUT", "/admin/active-tenant", _use),
    ("GET", "/admin/tenants/([^/]+)/policy", _policy),
    ("PATCH", "/admin/tenants/([^/]+)/policy", _change_policy),
    ("GET", "/admin/tenants/([^/]+)/tokens", _tokens),
    ("POST", "/admin/tenants/([^/]+)/tokens", _issue),
    ("DELETE", "/admin/tenants/([^/]+)/tokens/([^/]+)", _revoke),
    ("GET", "/admin/seen-keys", _seen),
    ("POST", "/admin/tenants/([^/]+)/adopted", _adopt),
    ("DELETE", "/admin/tenants/([^/]+)/adopted/([^/]+)", _adopt),
    ("GET", "/admin/keys", _keys),
    ("PUT", "/admin/keys/([^/]+)/([^/]+)", _set_key),
    ("POST", "/admin/keys/([^/]+)/([^/]+)/test", _test_key),
    ("POST", "/admin/pause", _pause),
    ("POST", "/admin/resume", _resume),
    ("PUT", "/admin/mode", _mode),
    ("GET", "/admin/stats", _stats),
    ("GET", "/admin/audits", _audits),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: ScriptedDaemon

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scripted = self.scripted
        if scripted._server is None:  # it was killed; connections that were kept end with it
            self.close_connection = True
            return
        if scripted.held is not None and scripted.held in f"{self.command} {self.path}":
            scripted.asked.append((self.command, self.path, {}))
            scripted._stopped.wait()
            self.close_connection = True
            return
        if scripted.cut is not None and scripted.cut in f"{self.command} {self.path}":
            self.close_connection = True
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, common.Problem(error=common.Fault(code="token", message="the admin token is wrong")))
        elif self.path.startswith("/admin/events"):
            self._stream()
        else:
            try:
                self._say(200, scripted.answer(self.command, self.path, body))
            except No as no:
                self._say(no.status, common.Problem(error=common.Fault(code="no", message=no.message)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's own names

    def _say(self, status: int, shape: Any) -> None:
        body = shape if isinstance(shape, bytes) else msgspec.json.encode(shape)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        mine: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.wfile.write(b": hello\n\n")
        self.scripted._listeners.append(mine)
        with suppress(OSError):
            while (piece := mine.get()) is not None:
                self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
        pass
