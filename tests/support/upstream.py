"""A scripted upstream on a real socket: it does exactly what a test tells it, down to the byte and the cut.

Built on the standard library's threaded server, so that it shares no code with what is tested.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float = 0.0
    """When it had come whole, `time.perf_counter` seconds."""

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)


class Cut(Exception):  # noqa: N818 - named for what happens
    """Yield-able end: the connection breaks here."""


@dataclass
class Reply:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("content-type", "application/json")])
    body: bytes | Iterable[bytes | float | threading.Event | type[Cut]] = b""
    """Bytes go with a Content-Length; an iterable goes chunked, its numbers are pauses in seconds, its events are
    waited for, and `Cut` breaks the connection."""


Script = Callable[[Seen], Reply]


class ScriptedUpstream:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: Script = lambda _: Reply(500, body=b"{}")
        self.left = threading.Semaphore(0)
        """Released each time a client left before its answer was out."""
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                seen = Seen(self.command, self.path, self.headers.items(), self._read(), time.perf_counter())
                upstream.seen.append(seen)
                try:
                    self._reply(upstream.script(seen))
                except OSError:
                    self.close_connection = True
                    upstream.left.release()

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _answer  # noqa: N815

            def _read(self) -> bytes:
                if "chunked" in self.headers.get("transfer-encoding", ""):
                    pieces: list[bytes] = []
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        pieces.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(pieces)
                return self.rfile.read(int(self.headers.get("content-length", 0)))

            def _reply(self, reply: Reply) -> None:
                self.send_response_only(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                if isinstance(reply.body, bytes):
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(reply.body)
                    return
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in reply.body:
                    if piece is Cut:
                        self.wfile.flush()
                        self.connection.close()
                        self.close_connection = True
                        return
                    if isinstance(piece, threading.Event):
                        piece.wait(30)
                    elif isinstance(piece, bytes):
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                        self.wfile.flush()
                    else:
                        time.sleep(piece)  # type: ignore[arg-type]
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: object) -> None:  # a client that left is part of many tests
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.seen)

    def answers(self, reply: Reply) -> None:
        self.script = lambda _: reply

    @contextmanager
    def running(self) -> Iterator["ScriptedUpstream"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
