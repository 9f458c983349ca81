"""What a dialect can do: read a request, watch an answer go by, and turn either form into the other.

A dialect never validates: unknown fields, roles and types count in the key and pass through.
"""

from typing import Protocol

from reflexd_core.canonical import JsonObject
from reflexd_core.profiles import OTHER, Profile
from reflexd_core.request import Form, Reading, Verdict


class Watch(Protocol):
    """Looks at the bytes of one answer on the side, as they come."""

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes (content codings removed). True once the dialect's own end was seen in them."""
        ...

    def verdict(self) -> Verdict:
        """After the end: may the answer be stored? Also called for an answer that just stopped."""
        ...


class Dialect(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str:
        """Canonical path below the provider's base URL, such as ``/chat/completions``."""
        ...

    @property
    def home(self) -> str | None:
        """The upstream that requests go to which name none; None where that is the default upstream."""
        ...

    @property
    def keep_alive(self) -> bytes:
        """What may be sent between the events of a stream to say that it still runs; empty where nothing may."""
        ...

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        """What the request asks, given who asks. Total: any JSON object has a reading."""
        ...

    def watch(self, form: Form) -> Watch: ...

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        """Whether the stored bytes carry token counts that the other form could show."""
        ...

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        """The stored bytes in the form that was asked for. Raises `ValueError` if they cannot be turned."""
        ...

    def question_text(self, body: JsonObject) -> str:
        """What the person last said, for people who browse; empty where there is none."""
        ...

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        """What the answer says, for people who browse."""
        ...

    def error(self, status: int, message: str, code: str) -> bytes:
        """An error of Reflex's own, in the shape that the dialect's SDKs show."""
        ...
