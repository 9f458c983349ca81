"""Keys of OpenAI responses: nothing but what the rules name may leave two requests with one key."""

import json
from collections import defaultdict
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reflexd_core.canonical import JsonObject, read_json
from reflexd_core.dialects import RESPONSES
from reflexd_core.keys import exact_key
from support.places import EXTRA, JSON, changed_at, paths, same
from support.shared import shared_rows

ENVELOPE = {
    *("stream", "stream_options", "user", "metadata", "client_metadata", "service_tier"),
    *("prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
}
"""Written down a second time on purpose: from design.md, not from the code."""


def key_of(body: JsonObject) -> bytes:
    keyed = RESPONSES.read(body).keyed
    return exact_key(
        tenant="t", upstream="u", dialect="responses", path="/responses", query="", headers={}, body=keyed
    )


NAMES = st.sampled_from(["id", "user", "status", "call_id", "store", "metadata", "type", "text", "output"])
INPUTS = st.dictionaries(NAMES, JSON, max_size=3).map(json.dumps)
TEXTS = st.builds(
    lambda said, extra: {**extra, "type": "input_text", "text": said}, st.sampled_from(["", "a", "b"]), EXTRA
)
DRAWN = st.fixed_dictionaries({}, optional={"id": st.sampled_from(["x", "y"]), "status": st.just("completed")})
ITEMS = st.one_of(
    st.builds(
        lambda drawn, role, content: {**drawn, "role": role, "content": content},
        DRAWN,
        st.sampled_from(["user", "assistant", "developer"]),
        st.one_of(st.text(max_size=3), st.lists(TEXTS, max_size=2)),
    ),
    st.builds(
        lambda drawn, kind, call, given_: {**drawn, "type": kind, "call_id": call, "arguments": given_},
        DRAWN,
        st.sampled_from(["function_call", "unheard_of"]),
        st.sampled_from(["a", "b", "c"]),
        INPUTS,
    ),
    st.builds(
        lambda drawn, call, output: {**drawn, "type": "function_call_output", "call_id": call, "output": output},
        DRAWN,
        st.sampled_from(["a", "b", "c"]),
        st.one_of(INPUTS, st.lists(TEXTS, max_size=2)),
    ),
    st.builds(
        lambda drawn, told: {**drawn, "type": "reasoning", "summary": [], "encrypted_content": told},
        DRAWN,
        st.sampled_from([None, "e"]),
    ),
    st.builds(lambda name: {"type": "item_reference", "id": name}, st.sampled_from(["x", "y"])),
)
TOOLS = st.builds(
    lambda properties, extra: {**extra, "type": "function", "parameters": {"properties": properties}},
    st.dictionaries(NAMES, JSON, max_size=3),
    EXTRA,
)
BODIES = st.builds(
    lambda extra, items, tools: {**extra, "model": "m", "input": items, "tools": tools},
    st.dictionaries(NAMES, JSON, max_size=2),
    st.one_of(st.text(max_size=3), st.lists(ITEMS, min_size=1, max_size=4)),
    st.lists(TOOLS, max_size=2),
)


def is_reference(item: dict[str, Any]) -> bool:
    told = [value for name, value in item.items() if name not in ("id", "status", "type")]
    return item.get("type") == "item_reference" or not any(told)


def normal(body: Any) -> Any:
    """The rules once more, slowly and from design.md: two requests may share a key only if these are equal."""
    body = {name: value for name, value in body.items() if name not in ENVELOPE}
    names: dict[str, str] = {}
    items = body.get("input") if isinstance(body.get("input"), list) else []
    for item in filter(lambda item: isinstance(item, dict), items):
        shell = item.get("type") == "local_shell_call_output"
        for field in [] if is_reference(item) else ["status"] if shell else ["id", "status"]:
            item.pop(field, None)
        content = item.get("content")
        only = content[0] if isinstance(content, list) and len(content) == 1 else None
        if isinstance(only, dict) and only.keys() == {"type", "text"} and only["type"] == "input_text":
            item["content"] = only["text"] if isinstance(only["text"], str) else content
        field = "id" if shell else "call_id"
        if isinstance(item.get(field), str):
            item[field] = names.setdefault(item[field], f"#{len(names)}")
    return body


@given(BODIES, st.data())
def test_whatever_no_rule_names_changes_the_key(body: JsonObject, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([path for path in paths(body) if path]))
    changed = changed_at(body, place, data)
    assume(not same(normal(deepcopy(body)), normal(deepcopy(changed))))
    assert key_of(body) != key_of(changed)


@given(BODIES, st.data())
def test_whatever_the_rules_name_leaves_the_key_alone(body: JsonObject, data: st.DataObject) -> None:
    assume(isinstance(body.get("stream"), bool | None))
    changed: Any = deepcopy(body)
    for name in data.draw(st.sets(st.sampled_from(sorted(ENVELOPE)))):
        changed[name] = data.draw(JSON if name != "stream" else st.none() | st.booleans())
    renamed = dict(zip("abc", data.draw(st.permutations(["c", "call_x", "call#0"])), strict=True))
    for item in changed["input"] if isinstance(changed["input"], list) else []:
        if not is_reference(item):
            item |= {"id": data.draw(JSON), "status": data.draw(JSON)}
        if "call_id" in item:
            item["call_id"] = renamed[item["call_id"]]
    assert key_of(body) == key_of(changed)


def test_no_two_recorded_requests_share_a_key_unless_the_rules_say_so() -> None:
    same_key: dict[bytes, set[str]] = defaultdict(set)
    same_normal: dict[str, set[bytes]] = defaultdict(set)
    for row in shared_rows("recorded/openai_responses.jsonl.gz"):
        body = read_json(row["request_body"].encode())
        assert isinstance(body, dict)
        key, form = key_of(body), json.dumps(normal(json.loads(row["request_body"])), sort_keys=True)
        same_key[key].add(form)
        same_normal[form].add(key)
    assert len(same_key) > 240
    assert [forms for forms in same_key.values() if len(forms) > 1] == []
    assert [keys for keys in same_normal.values() if len(keys) > 1] == []


def asked(*items: Any, **fields: Any) -> JsonObject:
    return {"model": "m", "input": list(items), **fields}


def called(arguments: str) -> JsonObject:
    return asked({"type": "function_call", "call_id": "a", "arguments": arguments})


def schemed(**schema: Any) -> JsonObject:
    return asked(tools=[{"type": "function", "name": "f", "parameters": {"properties": schema}}])


def reasoned(**fields: Any) -> JsonObject:
    return asked({"type": "reasoning", "summary": [], **fields})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(asked(store=False), asked(), id="store"),
        pytest.param(asked(store=True), asked(store=False), id="store either way"),
        pytest.param(called('{"id":1}'), called('{"id":2}'), id="id in arguments"),
        pytest.param(called('{"user":1}'), called("{}"), id="user in arguments"),
        pytest.param(called('{"cache_control":1}'), called("{}"), id="cache_control in arguments"),
        pytest.param(called('{"signature":"a"}'), called('{"signature":"b"}'), id="signature in arguments"),
        pytest.param(schemed(cache_control={}), schemed(), id="cache_control in a schema"),
        pytest.param(schemed(signature={}), schemed(), id="signature in a schema"),
        pytest.param(schemed(user={}), schemed(), id="user in a schema"),
        pytest.param(schemed(n=2**63 - 1), schemed(n=2**63 - 2), id="last digit of 64 bits in a schema"),
        pytest.param(
            called('{"n":9223372036854775807}'), called('{"n":9223372036854775806}'), id="last digit of 64 bits"
        ),
        pytest.param(
            asked(tools=[{"parameters": {"id": 1}}]), asked(tools=[{"parameters": {"id": 2}}]), id="id in a schema"
        ),
        pytest.param(
            asked({"type": "item_reference", "id": "a"}), asked({"type": "item_reference", "id": "b"}), id="reference"
        ),
        pytest.param(reasoned(id="a"), reasoned(id="b"), id="reasoning that is stored there"),
        pytest.param(reasoned(encrypted_content="a"), reasoned(encrypted_content="b"), id="encrypted reasoning"),
        pytest.param(asked(previous_response_id="a"), asked(previous_response_id="b"), id="an earlier response"),
        pytest.param(asked(include=["reasoning.encrypted_content"]), asked(), id="include"),
        pytest.param(asked(prompt_cache_options={"a": 1}), asked(), id="an unknown field"),
    ],
)
def test_requests_that_can_be_answered_differently_have_two_keys(one: JsonObject, other: JsonObject) -> None:
    assert key_of(one) != key_of(other)
