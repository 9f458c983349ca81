"""Flights: calling upstream for one exchange, and telling the machine what comes back.

The order within a chunk is a promise: it is counted, watched, and admitted to memory if it ends the answer, and
only then released to readers. So the request that a client sends right after the last byte is a hit.
"""

import logging
from collections.abc import Callable
from time import time

from reflexd_core import events as ev
from reflexd_core.credentials import CREDENTIAL_HEADERS, Route, Whose, key_header
from reflexd_core.dialects.base import Watch
from reflexd_core.headers import HeaderList, to_upstream, value_of
from reflexd_core.request import Form
from reflexd_core.routing import Target
from reflexd_io import codings
from reflexd_io.call import Call
from reflexd_io.keyrings import KeyringFault
from reflexd_io.keys import Keys, UnusableKey
from reflexd_io.recording import Recording
from reflexd_io.upstream import Response, UpstreamClient, UpstreamUnreachable

log = logging.getLogger(__name__)

Hear = Callable[[ev.Event], None]


class NoKey(Exception):  # noqa: N818 - it says what is missing
    """Neither the client nor the tenant has a key for the upstream; the message says how to give one."""


class Flights:
    def __init__(self, client: UpstreamClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def fly(self, call: Call, recording: Recording, hear: Hear) -> None:
        """Make the call and see it to its end. What fails is heard, not raised."""
        listener: _Listener | None = None
        try:
            body = call.raw()
            outgoing = await self.outgoing_headers(call.request.headers, call.target, call.route)
            # Cache-Control spoke to this cache; on paths that are no cached dialect it passes.
            headers = [(name, value) for name, value in outgoing if name.lower() != b"cache-control"]
            headers.append((b"Content-Length", b"%d" % len(body)))
            async with self._client.send("POST", url_of(call.target, call.route), headers, body) as response:
                recording.start(response.status, response.reason, response.headers)
                hear(ev.ResponseStarted(time(), response.status))
                listener = _Listener(call, recording, response, hear)
                await listener.listen()
                recording.end()
        except NoKey as error:
            hear(ev.UpstreamFailed(time(), 400, str(error)))
        except UpstreamUnreachable as error:
            recording.end(cut=True)
            if listener is None or not listener.concluded:  # else the answer was whole: nobody has lost anything
                upstream = call.route.upstream
                why = f"Reflex could not reach {upstream.name} at {upstream.base_url}: {error}"
                hear(ev.UpstreamFailed(time(), error.status, why))

    async def outgoing_headers(self, headers: HeaderList, target: Target, route: Route) -> list[tuple[bytes, bytes]]:
        """What is sent upstream, less framing, which is the caller's to add. Raises `NoKey`."""
        stored = route.whose is Whose.STORED
        try:
            key = await self._keys.get(route.tenant, route.upstream) if stored else None
        except UnusableKey as error:
            raise NoKey(str(error)) from error
        if stored and key is None and not route.upstream.keyless:
            held = await self._keys.held(route.tenant, route.upstream)
            raise NoKey(_how_to_give_a_key(route, held.fault))
        outgoing = to_upstream(headers, withheld=CREDENTIAL_HEADERS if key is not None else route.withheld)
        if key is not None:
            outgoing.append(key_header(route.upstream, key, native=target.native))
        return outgoing


class _Listener:
    """Hears one response: counts, watches and records each chunk before it is released."""

    def __init__(self, call: Call, recording: Recording, response: Response, hear: Hear) -> None:
        self._call = call
        self._recording = recording
        self._response = response
        self._hear = hear
        self.concluded = False
        self._unwatched = "not-asked"
        length = value_of(response.headers, b"content-length")
        self._left = int(length) if length is not None and length.isdigit() else None
        self._watch, self._decoder = self._begin()

    async def listen(self) -> None:
        async for chunk in self._response.chunks:
            if not self.concluded:
                self._look_at(chunk)
            self._recording.append(chunk)
            if self._left == 0:
                self._recording.end()  # all that was announced is there: body and end go out in one write
            await self._recording.make_room()
        if not self.concluded:
            self._conclude()

    def _begin(self) -> tuple[Watch | None, codings.Decoder | None]:
        """Whether the answer is worth watching at all; why not stands in ``_unwatched``."""
        call, response = self._call, self._response
        if response.status != 200:
            self._unwatched = f"status-{response.status}"
            return None, None
        if not call.ask.stores:
            return None, None
        form = _form_of(response.headers)
        if form is not call.ask.form:
            self._unwatched = "another-form"
            return None, None
        coding = value_of(response.headers, b"content-encoding")
        try:
            decoder = codings.decoder_for(coding.decode("latin-1") if coding else None)
        except codings.Undecodable:
            self._unwatched = "content-encoding"
            return None, None
        return call.dialect.watch(form), decoder

    def _look_at(self, chunk: bytes) -> None:
        if self._left is not None:
            self._left -= len(chunk)
        plain = self._decoded(chunk)
        self._hear(ev.ChunkArrived(time(), max(len(chunk), len(plain))))
        if self._watch is not None and not self._recording.keeps:
            self._watch, self._unwatched = None, "too-large"
        if self._watch is None:
            return
        self._recording.keep(plain)
        try:
            ended = self._watch.feed(plain)
        except Exception:  # a dialect that cannot follow an answer loses an entry, never the answer
            log.exception("an answer could not be watched, so it is not stored")
            self._watch, self._unwatched = None, "unreadable"
            return
        if ended or self._left == 0:
            self._conclude()

    def _decoded(self, chunk: bytes) -> bytes:
        """The chunk without its content coding; empty where nobody looks at it any more."""
        if self._watch is None or self._decoder is None:
            return b""
        try:
            return self._decoder.feed(chunk)
        except codings.Undecodable:
            self._watch, self._unwatched = None, "content-encoding"
            return b""

    def _conclude(self) -> None:
        self.concluded = True
        verdict = None
        try:
            verdict = self._watch.verdict() if self._watch is not None else None
        except Exception:
            log.exception("an answer could not be judged, so it is not stored")
            self._unwatched = "unreadable"
        if verdict is None:
            self._hear(ev.ResponseEnded(time(), self._unwatched))
        else:
            self._hear(ev.AnswerCompleted(time(), verdict))


def url_of(target: Target, route: Route) -> str:
    """Where a request goes: its path and query behind the upstream's base URL."""
    query = f"?{target.query}" if target.query else ""
    base = route.upstream.root if target.native else route.upstream.base_url
    return f"{base}{target.path}{query}"


def _form_of(headers: HeaderList) -> Form:
    content_type = (value_of(headers, b"content-type") or b"").lower()
    return Form.STREAM if content_type.startswith(b"text/event-stream") else Form.BODY


def _how_to_give_a_key(route: Route, fault: KeyringFault | None) -> str:
    name, variable, tenant = route.upstream.name, route.upstream.key_env, route.name or route.tenant
    silent = fault is not None and fault.code != "no_keyring"
    why = f"the keyring gave none for tenant {tenant!r}. {fault}" if silent else f"tenant {tenant!r} has none stored"
    return (
        f"Reflex has no key for {name}: the request brought none, and {why}. "
        f"Let the client send its {name} key as before, or start reflexd with {variable} set, "
        f"or store one with: reflexd keys set {name} --tenant {tenant}"
    )
