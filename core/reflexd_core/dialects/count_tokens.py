"""Anthropic's token counting: the same question always has the same answer, and agents ask it by the dozen.

Without it Claude Code pays for real calls instead. Only the envelope and the cache marks are left out of the key:
whatever else stands in the request may be counted.
"""

from dataclasses import dataclass

from reflexd_core import rewrites, rewrites_messages
from reflexd_core.canonical import JsonObject
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.messages import MESSAGES
from reflexd_core.dialects.shared import WholeBody, decode, encode, integer, text
from reflexd_core.profiles import OTHER, Profile
from reflexd_core.request import Form, Reading, Verdict

RULES = (
    ("drop-envelope", rewrites.drop_envelope),
    ("drop-cache-control", rewrites_messages.drop_cache_control),
)


@dataclass(frozen=True, slots=True)
class CountTokens:
    name: str = "count-tokens"
    path: str = "/messages/count_tokens"
    home: str | None = "anthropic"
    keep_alive: bytes = b""

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        keyed, rules = rewrites.apply(RULES, body)
        return Reading(
            model=text(body.get("model")),
            form=Form.BODY,
            wants_usage=False,
            keyed=keyed,
            scoped=None,
            question=None,
            exact_only="token-count",
            rules=rules,
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return WholeBody(_judge)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return False

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return answer

    def question_text(self, body: JsonObject) -> str:
        return MESSAGES.question_text(body)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return encode((decode(answer) or {}).get("input_tokens")).decode()

    def error(self, status: int, message: str, code: str) -> bytes:
        return MESSAGES.error(status, message, code)


COUNT_TOKENS = CountTokens()


def _judge(body: JsonObject) -> Verdict:
    counted = integer(body.get("input_tokens")) is not None
    return Verdict(storable=counted, reason="complete" if counted else "unfinished", exact_only=True)
