"""The blocking client, for the command line: one connection a question, none kept."""

import http.client
from typing import TypeVar
from urllib.parse import urlsplit

from reflexd_io.control_client.ask import Ask, NotThere
from reflexd_io.control_client.place import Place

T = TypeVar("T")

TIMEOUT = 10.0


class BlockingClient:
    def __init__(self, place: Place, *, timeout: float = TIMEOUT) -> None:
        self._place = place
        self._timeout = timeout

    def do(self, ask: Ask[T]) -> T:
        """The daemon's answer. Raises `Refused`, and `NotThere` where none answers."""
        status, body = self.send(ask.method, ask.target(), ask.content())
        return ask.read(status, body)

    def send(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        """HTTP status and body of any request to the daemon. Raises `NotThere`.

        No proxy of the environment's is asked: none can reach our loopback.
        """
        parts = urlsplit(self._place.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout)
        headers = {"Authorization": f"Bearer {self._place.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotThere(f"no daemon answers at {self._place.url}: {error}") from error
        finally:
            connection.close()
