"""An answer turned into its other form and back is the same answer, for all that was recorded of providers."""

import json
from typing import Any

import pytest

from reflexd_core.dialects import CHAT, MESSAGES, RESPONSES
from reflexd_core.dialects.base import Dialect
from reflexd_core.request import Form
from support.recorded import without_nulls
from support.shared import shared_rows

RECORDED: dict[str, tuple[Dialect, int]] = {
    "openai_chat": (CHAT, 40),
    "openai_responses": (RESPONSES, 30),
    "anthropic_messages": (MESSAGES, 10),
}
"""Each recording's dialect, and how many streams it holds at least."""


def _other(form: Form) -> Form:
    return Form.BODY if form is Form.STREAM else Form.STREAM


def _final(dialect: Dialect, form: Form, answer: bytes) -> Any:
    body = answer if form is Form.BODY else dialect.replay(form, answer, Form.BODY, wants_usage=True)
    final = without_nulls(json.loads(body))
    for choice in final.get("choices", []):
        for call in choice["message"].get("tool_calls", []):
            call.pop("index", None)  # a stream's own; one provider leaves it in bodies too
    return final


@pytest.mark.parametrize("name", RECORDED)
def test_there_and_back_again_nothing_is_lost(name: str) -> None:
    dialect, least = RECORDED[name]
    counted = {Form.STREAM: 0, Form.BODY: 0}
    for number, row in enumerate(shared_rows(f"recorded/{name}.jsonl.gz")):
        form = Form.STREAM if row["sse"] else Form.BODY
        answer = row["response_body"].encode()
        watch = dialect.watch(form)
        watch.feed(answer)
        if row["status"] != 200 or not watch.verdict().storable:
            continue
        wanted = _final(dialect, form, answer)
        there = dialect.replay(form, answer, _other(form), wants_usage=True)
        back = dialect.replay(_other(form), there, form, wants_usage=True)
        assert _final(dialect, _other(form), there) == wanted, number
        assert _final(dialect, form, back) == wanted, number
        watch = dialect.watch(_other(form))
        watch.feed(there)
        reasons = [choice["finish_reason"] for choice in wanted.get("choices", [])]
        assert watch.verdict().storable is ("" not in reasons), number  # the end can be seen in the other form too
        counted[form] += 1
    assert counted[Form.STREAM] >= least
    assert counted[Form.BODY] > 200
