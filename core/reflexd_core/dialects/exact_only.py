"""A dialect where its requests stand at another address: there only exact repeats are answered.

On Azure the model is a deployment, named in the path, of which the scope knows nothing.
"""

from dataclasses import dataclass, replace

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects.base import Dialect, Watch
from reflexd_core.profiles import OTHER, Profile
from reflexd_core.request import Form, Reading


@dataclass(frozen=True, slots=True)
class ExactOnly:
    dialect: Dialect
    home: str | None

    @property
    def name(self) -> str:
        return self.dialect.name

    @property
    def path(self) -> str:
        return self.dialect.path

    @property
    def keep_alive(self) -> bytes:
        return self.dialect.keep_alive

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        reading = self.dialect.read(body, profile)
        return replace(reading, scoped=None, question=None, exact_only=reading.exact_only or "exact-dialect")

    def watch(self, form: Form) -> Watch:
        return self.dialect.watch(form)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return self.dialect.has_usage(recorded, answer)

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return self.dialect.replay(recorded, answer, asked, wants_usage=wants_usage)

    def question_text(self, body: JsonObject) -> str:
        return self.dialect.question_text(body)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return self.dialect.answer_text(recorded, answer)

    def error(self, status: int, message: str, code: str) -> bytes:
        return self.dialect.error(status, message, code)
