"""OpenAI embeddings: a batch is answered whole or not at all.

Decision: vectors as base64 and as floats are two answers. The shortest digits of a float32 are not those that the
provider prints for it, so an SDK would see other numbers from the one than from the other.
"""

from dataclasses import dataclass

from reflexd_core import rewrites
from reflexd_core.canonical import JsonObject
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.shared import WholeBody, decode, integer, objects, openai_error, text
from reflexd_core.profiles import OTHER, Profile
from reflexd_core.request import Form, Reading, Usage, Verdict

RULES = (("drop-envelope", rewrites.drop_envelope),)


@dataclass(frozen=True, slots=True)
class Embeddings:
    name: str = "embeddings"
    path: str = "/embeddings"
    home: str | None = None
    keep_alive: bytes = b""

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        keyed, rules = rewrites.apply(RULES, body)
        return Reading(
            model=text(body.get("model")),
            form=Form.BODY,
            wants_usage=True,
            keyed=keyed,
            scoped=None,
            question=None,
            exact_only="embedding",
            rules=rules,
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return WholeBody(_judge)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return _usage_in(decode(answer) or {}) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return answer

    def question_text(self, body: JsonObject) -> str:
        match body.get("input"):
            case str(said):
                return said
            case [*several]:
                return "\n".join(text(one) for one in several)
            case _:
                return ""

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return f"vectors: {len(objects((decode(answer) or {}).get('data')))}"

    def error(self, status: int, message: str, code: str) -> bytes:
        return openai_error(status, message, code)


EMBEDDINGS = Embeddings()


def _judge(body: JsonObject) -> Verdict:
    vectors = objects(body.get("data"))
    whole = bool(vectors) and body.get("error") is None and all(vector.get("embedding") for vector in vectors)
    return Verdict(
        storable=whole,
        reason="complete" if whole else "unfinished",
        usage=_usage_in(body),
        model=text(body.get("model")) or None,
        exact_only=True,
    )


def _usage_in(body: JsonObject) -> Usage | None:
    match body.get("usage"):
        case {"prompt_tokens": taken} if (count := integer(taken)) is not None:
            return Usage(input=count, output=0)
        case _:
            return None
