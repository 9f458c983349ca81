"""The blocking client, for the command line: one connection a question, none kept."""

import http.client
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from reflexd_io.control_client.ask import Ask, NotThere, refusal
from reflexd_io.control_client.place import Place

T = TypeVar("T")

TIMEOUT = 10.0
_PIECE = 256 * 1024


class BlockingClient:
    def __init__(self, place: Place, *, timeout: float = TIMEOUT) -> None:
        self._place = place
        self._timeout = timeout

    def do(self, ask: Ask[T]) -> T:
        """The daemon's answer. Raises `Refused`, and `NotThere` where none answers."""
        status, body = self.send(ask.method, ask.target(), ask.content())
        return ask.read(status, body)

    def download(self, target: str) -> Iterator[bytes]:
        """A stream's bytes as they come. Raises `Refused` and `NotThere`, which may come in its midst."""
        connection = self._connection()
        try:
            connection.request("GET", target, headers=self._headers())
            answer = connection.getresponse()
            if answer.status >= 400:
                raise refusal(answer.status, answer.read())
            while piece := answer.read1(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise NotThere(f"no daemon answers at {self._place.url}: {error}") from error
        finally:
            connection.close()

    def upload(self, ask: Ask[T], pieces: Iterable[bytes], content_type: str) -> T:
        """The answer to a question whose body is streamed. Raises `Refused` and `NotThere`."""
        connection = self._connection()
        headers = {**self._headers(), "Content-Type": content_type}
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # it says no before it has heard all
                connection.request(ask.method, ask.target(), pieces, headers, encode_chunked=True)
            answer = connection.getresponse()
            return ask.read(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise NotThere(f"no daemon answers at {self._place.url}: {error}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        """No proxy of the environment's is asked: none can reach our loopback."""
        parts = urlsplit(self._place.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=self._timeout)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._place.token}", "Content-Type": "application/json"}

    def send(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        """HTTP status and body of any request to the daemon. Raises `NotThere`."""
        connection = self._connection()
        try:
            connection.request(method, target, body, self._headers())
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotThere(f"no daemon answers at {self._place.url}: {error}") from error
        finally:
            connection.close()
