"""Request parts: cut and joined again, and shared between the turns of a conversation."""

import json
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import Uncomparable, canonicalize, read_json
from reflexd_core.parts import LISTS, WHOLES, join_request, split_request
from support.shared import shared_rows

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)
REQUESTS = st.dictionaries(st.sampled_from([*LISTS, *WHOLES, "model", "stream", ""]), JSON)


def joined(body: dict[str, Any]) -> dict[str, Any]:
    return join_request([(part.name, part.body) for part in split_request(body)])


@given(REQUESTS)
def test_any_request_comes_together_again(body: dict[str, Any]) -> None:
    assert joined(body) == body


def test_every_recorded_request_comes_together_again() -> None:
    for row in shared_rows("recorded/openai_chat.jsonl.gz"):
        body = json.loads(row["request_body"])
        assert joined(body) == body


def test_a_request_is_cut_where_conversations_repeat_themselves() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    parts = split_request({"model": "m", "tools": [1], "messages": turns, "n": 1})
    assert [(part.name, part.body) for part in parts] == [
        ("", b'{"messages":[],"model":"m","n":1}'),
        ("tools", b"[1]"),
        ("messages", b'{"content":"a","role":"user"}'),
        ("messages", b'{"content":"b","role":"assistant"}'),
    ]
    assert all(part.hash == blake3(part.body).digest() for part in parts)


@given(st.lists(JSON, min_size=1, max_size=4), JSON)
def test_a_later_turn_shares_all_parts_but_the_new_ones(turns: list[Any], new: Any) -> None:
    earlier = split_request({"model": "m", "messages": turns})
    later = split_request({"model": "m", "messages": [*turns, new]})
    assert later[: len(earlier)] == earlier
    assert later[len(earlier) :] == split_request({"messages": [new]})[1:]


def test_the_order_of_keys_makes_no_new_parts() -> None:
    one = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    other = {"messages": [{"content": "a", "role": "user"}], "model": "m"}
    assert split_request(one) == split_request(other)


def test_what_has_no_canonical_form_cannot_be_cut() -> None:
    with pytest.raises(Uncomparable):
        split_request({"messages": ["\ud800"]})


@pytest.mark.parametrize("parts", [[("", b"[]")], [("", b"null")], [("", b"{}"), ("tools", b"{")]])
def test_parts_that_are_damaged_are_refused(parts: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Uncomparable):
        join_request(parts)


def test_a_joined_request_has_the_same_canonical_form() -> None:
    body = read_json(b'{"messages":[{"n":1.0,"big":9007199254740993}],"input":null,"contents":"x","tools":[]}')
    assert isinstance(body, dict)
    assert canonicalize(joined(body)) == canonicalize(body)
