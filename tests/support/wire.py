"""The wire itself: a raw client, and a raw upstream, that do what no well-behaved library would."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

KEY = "sk-proj-0123456789abcdef0123456789abcdef"
"""A provider key in form; no provider ever gave it out."""

DEADLINE = 15.0


@dataclass
class Answer:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    whole: bool = True
    """False when the connection ended before the body did."""
    informational: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)

    @property
    def told(self) -> str | None:
        return self.header("x-reflex-status")

    def json(self) -> dict[str, object]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


class Wire:
    """One client connection. ``url``: anything that begins with scheme, host and port."""

    def __init__(self, url: str, *, receive_buffer: int | None = None) -> None:
        parts = urlsplit(url)
        self.host = f"{parts.hostname}:{parts.port}"
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect((parts.hostname, parts.port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, data: bytes, *, head_only: bool = False) -> Answer:
        self.send(data)
        return self.answer(head_only=head_only)

    def head(self) -> Answer:
        """The next response's head, final ones only."""
        informational: list[int] = []
        while True:
            line = self._file.readline().decode("latin-1")
            assert line, "the connection was closed without an answer"
            _, status, reason = (*line.rstrip("\r\n").split(" ", 2), "")[:3]
            headers: list[tuple[str, str]] = []
            while (line := self._file.readline().decode("latin-1")) not in ("\r\n", ""):
                name, _, value = line.partition(":")
                headers.append((name, value.strip()))
            if int(status) >= 200:
                return Answer(int(status), reason, headers, informational=informational)
            informational.append(int(status))

    def answer(self, *, head_only: bool = False) -> Answer:
        answer = self.head()
        if head_only or answer.status in (204, 304):
            return answer
        length = answer.header("content-length")
        if length is not None:
            answer.body = self._file.read(int(length))
            answer.whole = len(answer.body) == int(length)
        elif "chunked" in (answer.header("transfer-encoding") or ""):
            pieces: list[bytes] = []
            while chunk := self.chunk():
                pieces.append(chunk)
            answer.body, answer.whole = b"".join(pieces), chunk is not None
        else:
            answer.body = self._file.read()
        return answer

    def chunk(self) -> bytes | None:
        """The next chunk of a chunked body; empty at its end, None where the connection ended instead."""
        try:
            line = self._file.readline()
            if not line.endswith(b"\n"):
                return None
            size = int(line.split(b";")[0], 16)
            data = self._file.read(size + 2)
        except ConnectionError:
            return None
        return data[:-2] if len(data) == size + 2 else None

    def answer_body(self) -> bytes:
        """The rest of a chunked body, which must be whole."""
        pieces: list[bytes] = []
        while chunk := self.chunk():
            pieces.append(chunk)
        assert chunk is not None, "the answer was cut"
        return b"".join(pieces)

    def until(self, text: bytes) -> bytes:
        """Chunks until one brings ``text``."""
        got = b""
        while text not in got:
            chunk = self.chunk()
            assert chunk, got
            got += chunk
        return got

    def is_closed(self) -> bool:
        """Whether the server ends the connection, waiting for it; bytes that come first are a failure."""
        try:
            left = self._file.read(1)
        except ConnectionError:
            return True
        assert left == b"", left
        return True

    def silent_for(self, seconds: float) -> bool:
        """Whether nothing comes for a while. Only ever used to show that something is *not* said."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(DEADLINE)
        return False


def chat(text: str = "hello", **fields: object) -> bytes:
    """The body of a chat completion request."""
    return json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **fields}).encode()


def post(body: bytes, *headers: str, path: str = "/v1/chat/completions", framed: bool = True) -> bytes:
    """A whole request; ``framed`` False leaves the length to the caller's own headers."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    if not any(line.lower().startswith("authorization") for line in headers):
        lines.append(f"Authorization: Bearer {KEY}")
    if framed:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: localhost", *headers, "", ""]).encode("latin-1")


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def completion(text: str = "hi", **fields: object) -> bytes:
    """A whole answer."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            **fields,
        }
    ).encode()


def event(delta: dict[str, object], finish: str | None = None) -> bytes:
    """One chunk of a streamed answer."""
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini",'
    b'"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
)
DONE = b"data: [DONE]\n\n"
STREAM = [("Content-Type", "text/event-stream")]


def stream(*words: str) -> list[bytes]:
    """A whole streamed answer, chunk by chunk; ``[DONE]`` is the last."""
    said: list[dict[str, object]] = [{"role": "assistant", "content": ""}, *({"content": word} for word in words)]
    return [*(event(delta) for delta in said), event({}, "stop"), DONE]


def eventually(true: Callable[[], object], what: str = "it", within: float = DEADLINE) -> None:
    """Polls until ``true`` says so."""
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, f"{what} did not happen in {within} s"
        time.sleep(0.005)


class RawUpstream:
    """An upstream that is a bare socket: each connection is handed to ``script`` with its number, from 0."""

    def __init__(self, script: Callable[["Peer", int], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.requests: list[bytes] = []
        """Bodies of all requests that were read whole, in order."""
        self.connections = 0
        self._peers: list[socket.socket] = []

    @contextmanager
    def running(self) -> Iterator["RawUpstream"]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for peer in self._peers:
                peer.close()
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._peers.append(connection)
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        peer = Peer(connection, self.requests)
        try:
            self._script(peer, number)
        except OSError:
            pass
        finally:
            peer.close()


class Peer:
    """The upstream's end of one connection."""

    def __init__(self, connection: socket.socket, requests: list[bytes]) -> None:
        self.socket = connection
        self._file = connection.makefile("rb")
        self._requests = requests

    def request(self) -> bytes | None:
        """Waits for the next request (with a Content-Length) and gives its body; None when the client left."""
        length = 0
        line = self._file.readline()
        if not line:
            return None
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = self._file.read(length)
        self._requests.append(body)
        return body

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, body: bytes) -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )

    def reset(self) -> None:
        """End the connection with a reset instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()
