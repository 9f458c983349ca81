"""One endpoint of the control API as a value: what it takes, what it gives, and who does it.

Requests are read and the OpenAPI document is made from the same values, so that neither can say what the other
does not.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec

from reflexd_io.control import words
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.incoming import RequestBody

Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)

_PARAMETER = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """A request to an endpoint, read."""

    path: Mapping[str, str]
    """The path's parameters, unquoted."""
    query: Q
    body: B
    headers: Mapping[str, str]
    stream: RequestBody | None = None
    """The body as it comes, where the endpoint takes a stream."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that goes out piece by piece; closed when the asker leaves."""

    pieces: AsyncIterator[bytes]


class Problem(Exception):  # noqa: N818 - it says what the matter is
    """An error for the asker, in words that help."""

    def __init__(
        self, status: int, code: str, message: str, *, at: int | None = None, allow: Collection[str] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.at = at
        """The character of the given text at which the fault is."""
        self.allow = sorted(allow)
        """Methods that do something where this one does not (RFC 9110, 15.5.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[Q, B]):
    method: str
    path: str
    """With ``{parameters}``."""
    summary: str
    run: Callable[[Asked[Q, B]], Awaitable[msgspec.Struct | Streamed]]
    """Raises `Problem`, or what `control.problems` has a row for."""
    query: type[Q] = Nothing  # type: ignore[assignment]  # whoever leaves it out has a handler that takes Nothing
    body: type[B] = Nothing  # type: ignore[assignment]
    answer: type[msgspec.Struct] | None
    """None where it streams."""
    content_type: str = "application/json"
    """Of the answer."""
    takes: str | None = None
    """Content type of a body that is read as a stream."""
    status: int = 200
    tag: str = ""
    """The group in the document."""
    problems: tuple[int, ...] = ()
    """Statuses of errors that this endpoint may give beside those of all."""

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    def pattern(self) -> re.Pattern[str]:
        """What a path of this endpoint looks like."""
        return re.compile(
            _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}"))
        )

    def read_query(self, text: str) -> Q:
        """Raises `Problem`."""
        try:
            given = {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
            return msgspec.convert(given, self.query, strict=False)
        except ValueError as error:  # msgspec's own are ValueErrors too
            raise Problem(400, "bad_query", f"The query cannot be read: {words.told(error, self.query)}") from error

    def read_body(self, raw: bytes) -> B:
        """Raises `Problem`."""
        try:
            return msgspec.json.decode(raw or b"{}", type=self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, "bad_body", f"The body cannot be read: {words.told(error, self.body)}") from error


def unquoted(found: re.Match[str]) -> dict[str, str]:
    return {name: unquote(value) for name, value in found.groupdict().items()}
