"""L1: bounded in number and in bytes, turned forms included; the least recently used goes first."""

import json

import pytest

from reflexd_core.credentials import Route, Whose
from reflexd_core.entry import EntryFacts, entry_id
from reflexd_core.policy import Policy, pass_through
from reflexd_core.request import Form
from reflexd_core.routing import PRESETS
from reflexd_io.call import About
from reflexd_io.memory import _OVERHEAD, Answer, Known, Memory

ROOM = 1024 * 1024
BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
).encode()


def _key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _answer(number: int = 0, recorded: bytes = BODY, *, form: Form = Form.BODY, asked_usage: bool = True) -> Answer:
    facts = EntryFacts(
        id=entry_id(_key(number)),
        dialect="chat",
        model="m",
        form=form,
        created=0.0,
        expires=None,
        has_usage=True,
        asked_usage=asked_usage,
    )
    return Answer(facts, [(b"content-type", b"application/json"), (b"x-request-id", b"r")], recorded)


def test_the_least_recently_used_goes_first() -> None:
    memory = Memory(capacity=3, max_bytes=ROOM)
    for number in range(3):
        memory.put(_key(number), _answer(number), "t")
    assert memory.get(_key(0)) is not None
    memory.put(_key(3), _answer(3), "t")
    assert [number for number in range(4) if memory.get(_key(number)) is not None] == [0, 2, 3]
    assert len(memory) == 3


def test_bytes_are_counted_and_bounded() -> None:
    memory = Memory(capacity=1000, max_bytes=40_000)
    for number in range(50):
        memory.put(_key(number), _answer(number, b"x" * 3000), "t")
        assert memory.bytes <= 40_000
        assert memory.bytes == len(memory) * (3000 + _OVERHEAD)
    assert len(memory) == 40_000 // (3000 + _OVERHEAD)
    assert memory.get(_key(49)) is not None
    assert memory.get(_key(0)) is None


def test_replacing_and_dropping_count_back() -> None:
    memory = Memory(capacity=10, max_bytes=ROOM)
    memory.put(_key(1), _answer(1, b"x" * 1000), "t")
    memory.put(_key(1), _answer(1, b"x" * 2000), "t")
    assert (len(memory), memory.bytes) == (1, 2000 + _OVERHEAD)
    memory.drop(_key(1))
    memory.drop(_key(1))
    assert (len(memory), memory.bytes) == (0, 0)


def test_an_answer_larger_than_a_quarter_of_the_room_is_left_to_the_disk() -> None:
    memory = Memory(capacity=10, max_bytes=40_000)
    memory.put(_key(1), _answer(1), "t")
    memory.put(_key(2), _answer(2, b"x" * 10_000), "t")
    assert memory.get(_key(2)) is None
    assert memory.get(_key(1)) is not None
    memory.put(_key(1), _answer(1, b"x" * 10_000), "t")  # nor may the old one stay in its place
    assert memory.get(_key(1)) is None
    assert memory.bytes == 0


def test_forms_that_it_was_turned_into_are_counted() -> None:
    memory = Memory(capacity=10, max_bytes=ROOM)
    answer = _answer(1)
    memory.put(_key(1), answer, "t")
    assert memory.bytes == len(BODY) + _OVERHEAD
    stream, _ = answer.ready(Form.STREAM, wants_usage=True)
    bare, _ = answer.ready(Form.STREAM, wants_usage=False)
    memory.weigh(_key(1))
    assert memory.bytes == len(BODY) + len(stream) + len(bare) + _OVERHEAD
    memory.weigh(_key(2))
    memory.drop(_key(1))
    assert memory.bytes == 0


def test_the_recorded_form_is_no_second_copy() -> None:
    answer = _answer()
    body, headers = answer.ready(Form.BODY, wants_usage=True)
    assert body is answer.recorded
    assert headers == [*answer.headers, (b"content-length", str(len(BODY)).encode())]
    assert answer.size() == len(BODY) + _OVERHEAD
    assert answer.ready(Form.BODY, wants_usage=True) is answer.ready(Form.BODY, wants_usage=True)


def test_the_other_form_has_its_own_type_and_length() -> None:
    stream, headers = _answer().ready(Form.STREAM, wants_usage=False)
    assert stream.endswith(b"data: [DONE]\n\n")
    assert b'"usage"' not in stream
    assert dict(headers) == {
        b"content-type": b"text/event-stream; charset=utf-8",
        b"x-request-id": b"r",
        b"content-length": str(len(stream)).encode(),
    }


def test_usage_that_the_provider_always_sends_stays() -> None:
    chunk = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    stream = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n' + chunk + b"data: [DONE]\n\n"
    asked = _answer(recorded=stream, form=Form.STREAM, asked_usage=True)
    assert asked.ready(Form.STREAM, wants_usage=False)[0] == stream.replace(chunk, b"")
    never_asked = _answer(recorded=stream, form=Form.STREAM, asked_usage=False)
    assert never_asked.ready(Form.STREAM, wants_usage=False)[0] == stream


def test_what_cannot_be_turned_says_so() -> None:
    with pytest.raises(ValueError):
        _answer(recorded=b"[]").ready(Form.STREAM, wants_usage=True)


def test_a_tenant_is_forgotten_and_nobody_else() -> None:
    memory = Memory(capacity=10, max_bytes=ROOM)
    for number, tenant in enumerate(["a", "b", "a", "b"]):
        memory.put(_key(number), _answer(number), tenant)
    assert memory.warm(_key(4), _answer(4), "a")
    memory.put(_key(3), _answer(3, form=Form.STREAM), "b")
    memory.weigh(_key(3))
    mark = memory.purged.mark()
    memory.forget_tenant("a")
    assert [memory.get(_key(number)) is not None for number in range(5)] == [False, True, False, True, False]
    assert (memory.purged.since(mark, tenant="a"), memory.purged.since(mark, tenant="b")) == (True, False)
    memory.forget_tenant("b")
    assert (len(memory), memory.bytes) == (0, 0)


def test_everything_is_forgotten_what_is_under_way_included() -> None:
    memory = Memory(capacity=10, max_bytes=ROOM)
    memory.put(_key(0), _answer(0), "a")
    before = memory.purged.mark()
    memory.forget_all()
    assert (len(memory), memory.bytes) == (0, 0)
    assert memory.purged.since(before, _key(7), tenant="anybody")
    assert not memory.purged.since(memory.purged.mark(), _key(7), tenant="anybody")


def test_the_memo_is_bounded_like_the_answers() -> None:
    memory = Memory(capacity=2, max_bytes=ROOM)
    route = Route(tenant="default", upstream=PRESETS["openai"], whose=Whose.STORED)
    known = Known(route, Policy(), None, pass_through("x"), About())
    for number in range(2):
        memory.learn(_key(number), known)
    assert memory.known(_key(0)) is known
    memory.learn(_key(2), known)
    assert memory.known(_key(1)) is None
    assert memory.known(_key(0)) is known
    assert memory.known(_key(2)) is known


def test_what_was_there_before_the_restart_goes_before_what_was_asked_for_since() -> None:
    memory = Memory(capacity=3, max_bytes=ROOM)
    newer = _answer()
    memory.put(_key(0), newer, "t")
    assert all(memory.warm(_key(number), _answer(), "t") for number in (0, 1, 2))  # the last used of them first
    assert memory.get(_key(0)) is newer
    assert not memory.warm(_key(3), _answer(), "t")
    memory.put(_key(4), _answer(), "t")
    assert memory.get(_key(2)) is None
    assert memory.get(_key(1)) is not None
    size = _answer().size()
    narrow = Memory(capacity=9, max_bytes=4 * size)
    assert [narrow.warm(_key(number), _answer(), "t") for number in range(5)] == [True] * 4 + [False]
    assert narrow.bytes == 4 * size
    tiny = Memory(capacity=9, max_bytes=size)
    assert tiny.warm(_key(0), _answer(), "t")  # too large for it, but a smaller one may fit
    assert len(tiny) == 0
