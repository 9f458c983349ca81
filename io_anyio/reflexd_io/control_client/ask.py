"""One question to the control API as a value: both clients send it, and read the same answer from it."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from reflexd_io.control_client.shapes.common import Problem

T = TypeVar("T")


class Refused(Exception):  # noqa: N818 - it says what the daemon has done
    """The daemon said no; the message is its own."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", at: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP; 0 where the answer could not be read."""
        self.code = code
        self.at = at
        """The character of the given text at which the fault is, if it is at one."""


class NotThere(Exception):  # noqa: N818 - it says where the daemon is
    """No daemon answers; the message says why."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    method: str
    path: str
    """With its parameters filled in, and quoted."""
    answer: type[T]
    query: msgspec.Struct | None = None
    body: msgspec.Struct | None = None

    def target(self) -> str:
        """Path and query as they stand in the request line."""
        if self.query is None:
            return self.path
        given = msgspec.to_builtins(self.query)
        pairs = [(name, _text(value)) for name, value in given.items() if value is not None]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    def content(self) -> bytes | None:
        return msgspec.json.encode(self.body) if self.body is not None else None

    def read(self, status: int, body: bytes) -> T:
        """The answer. Raises `Refused`."""
        if status >= 400:
            raise refusal(status, body)
        try:
            return msgspec.json.decode(body, type=self.answer)
        except msgspec.MsgspecError as error:
            raise Refused(f"the daemon's answer cannot be read, it may be of another version: {error}") from error


def refusal(status: int, body: bytes) -> Refused:
    """What an error of the control API says."""
    try:
        fault = msgspec.json.decode(body, type=Problem).error
    except msgspec.MsgspecError:
        return Refused(f"the daemon answered {status}", status=status)
    return Refused(fault.message, status=status, code=fault.code, at=fault.at)


def segment(text: str) -> str:
    """A path parameter, quoted."""
    return quote(text, safe="")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
