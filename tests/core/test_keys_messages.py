"""Keys of Anthropic messages: nothing but what the rules name may leave two requests with one key."""

import json
from collections import defaultdict
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reflexd_core.canonical import JsonObject, read_json
from reflexd_core.dialects import COUNT_TOKENS, MESSAGES
from reflexd_core.keys import exact_key
from support.places import EXTRA, JSON, Path, changed_at, holder_of, paths, same
from support.shared import shared_rows

ENVELOPE = {
    *("stream", "stream_options", "user", "metadata", "client_metadata", "service_tier"),
    *("prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store"),
}
"""Written down a second time on purpose: from design.md, not from the code."""

BILLING = "x-anthropic-billing-header: cc_version=1.2.3.abc; cc_entrypoint=cli;"


def key_of(body: JsonObject) -> bytes:
    keyed = MESSAGES.read(body).keyed
    return exact_key(tenant="t", upstream="u", dialect="messages", path="/messages", query="", headers={}, body=keyed)


NAMES = st.sampled_from(["id", "user", "cache_control", "signature", "tool_use_id", "thinking", "type", "text", "x"])
INPUTS = st.dictionaries(NAMES, JSON, max_size=3)
TEXTS = st.builds(
    lambda said, extra: {**extra, "type": "text", "text": said},
    st.sampled_from(["", "a", "b", BILLING, f"{BILLING}\nmore"]),
    EXTRA,
)
THOUGHTS = st.builds(
    lambda thought, signature: {"type": "thinking", "thinking": thought, "signature": signature},
    st.sampled_from(["", "a"]),
    st.sampled_from(["s", "z"]),
)
USES = st.builds(
    lambda name, given_, extra: {**extra, "type": "tool_use", "id": name, "name": "f", "input": given_},
    st.sampled_from(["a", "b", "c"]),
    INPUTS,
    EXTRA,
)
RESULTS = st.builds(
    lambda name, output: {"type": "tool_result", "tool_use_id": name, "content": output},
    st.sampled_from(["a", "b", "c"]),
    st.one_of(st.text(max_size=3), st.lists(TEXTS, max_size=2), INPUTS.map(json.dumps)),
)
BLOCKS = st.lists(st.one_of(TEXTS, THOUGHTS, USES, RESULTS), max_size=3)
TURNS = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant", "system"]),
    st.one_of(st.sampled_from(["a", BILLING]), BLOCKS),
)
TOOLS = st.builds(
    lambda properties, extra: {**extra, "name": "f", "input_schema": {"properties": properties}}, INPUTS, EXTRA
)
BODIES = st.builds(
    lambda extra, system, turns, tools: {
        **extra,
        **({"system": system} if system is not None else {}),
        "model": "m",
        "messages": turns,
        "tools": tools,
    },
    EXTRA,
    st.one_of(st.none(), st.sampled_from(["a", BILLING]), st.lists(TEXTS, max_size=2)),
    st.lists(TURNS, min_size=1, max_size=3),
    st.lists(TOOLS, max_size=2),
)


def is_mark(path: Path) -> bool:
    match path:
        case ["cache_control"] | ["system" | "tools", int(), "cache_control"]:
            return True
        case ["messages", int(), "content", int(), "cache_control"]:
            return True
        case _:
            return False


def blocks_of(body: Any) -> list[dict[str, Any]]:
    turns = (
        [turn for turn in body["messages"] if isinstance(turn, dict)] if isinstance(body["messages"], list) else []
    )
    contents = [turn.get("content") for turn in turns if isinstance(turn.get("content"), list)]
    return [block for content in contents for block in content if isinstance(block, dict)]


def as_string(content: Any) -> Any:
    only = content[0] if isinstance(content, list) and len(content) == 1 else None
    plain = isinstance(only, dict) and only.keys() == {"type", "text"} and only["type"] == "text"
    return only["text"] if plain and isinstance(only["text"], str) else content


def normal(body: Any) -> Any:
    """The rules once more, slowly and from design.md: two requests may share a key only if these are equal."""
    body = {name: value for name, value in body.items() if name not in ENVELOPE}
    for path in sorted(paths(body), key=len, reverse=True):
        if path and is_mark(path):
            del holder_of(body, path)["cache_control"]
    system = body.get("system")
    if isinstance(system, list) and system and isinstance(system[0], dict) and system[0].keys() == {"type", "text"}:
        text = system[0]["text"]
        if system[0]["type"] == "text" and isinstance(text, str) and text.startswith("x-anthropic-billing-header:"):
            body["system"] = system[1:] if "\n" not in text else system
    if "messages" not in body:
        return body
    names: dict[str, str] = {}
    for block in blocks_of(body):
        kind = block.get("type") if isinstance(block.get("type"), str) else ""
        if kind == "thinking" and isinstance(block.get("thinking"), str) and block["thinking"]:
            block.pop("signature", None)
        field = "tool_use_id" if kind.endswith("tool_result") else "id" if kind.endswith("tool_use") else ""
        if isinstance(block.get(field), str):
            block[field] = names.setdefault(block[field], f"#{len(names)}")
    for turn in body["messages"] if isinstance(body["messages"], list) else []:
        if isinstance(turn, dict) and "content" in turn:
            turn["content"] = as_string(turn["content"])
    if "system" in body:
        body["system"] = as_string(body["system"])
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
    changed["cache_control"] = data.draw(JSON)
    renamed = dict(zip("abc", data.draw(st.permutations(["c", "toolu_x", "call#0"])), strict=True))
    system = changed["system"] if isinstance(changed.get("system"), list) else []
    for block in [*blocks_of(changed), *changed["tools"], *system]:
        block["cache_control"] = data.draw(JSON)
    for block in blocks_of(changed):
        if block["type"] == "thinking" and block["thinking"]:
            block["signature"] = data.draw(JSON)
        for field, kind in (("id", "tool_use"), ("tool_use_id", "tool_result")):
            if block["type"] == kind:
                block[field] = renamed[block[field]]
    assert key_of(body) == key_of(changed)


def test_no_two_recorded_requests_share_a_key_unless_the_rules_say_so() -> None:
    same_key: dict[bytes, set[str]] = defaultdict(set)
    same_normal: dict[str, set[bytes]] = defaultdict(set)
    for row in shared_rows("recorded/anthropic_messages.jsonl.gz"):
        body = read_json(row["request_body"].encode())
        assert isinstance(body, dict)
        key, form = key_of(body), json.dumps(normal(json.loads(row["request_body"])), sort_keys=True)
        same_key[key].add(form)
        same_normal[form].add(key)
    assert len(same_key) > 200
    assert [forms for forms in same_key.values() if len(forms) > 1] == []
    assert [keys for keys in same_normal.values() if len(keys) > 1] == []


def request(**changed: Any) -> JsonObject:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **changed}


def used(**given_: Any) -> JsonObject:
    return request(messages=[{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "input": given_}]}])


def offered(**schema: Any) -> JsonObject:
    return request(tools=[{"name": "f", "input_schema": {"properties": schema}}])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(used(cache_control=1), used(), id="cache_control in input"),
        pytest.param(used(signature="a"), used(signature="b"), id="signature in input"),
        pytest.param(used(user="a"), used(user="b"), id="user in input"),
        pytest.param(used(id="a"), used(id="b"), id="id in input"),
        pytest.param(used(n=2**63 - 1), used(n=2**63 - 2), id="last digit of a 64-bit integer in input"),
        pytest.param(offered(cache_control={}), offered(), id="cache_control in a schema"),
        pytest.param(offered(id={"const": 1}), offered(id={"const": 2}), id="id in a schema"),
        pytest.param(offered(user={}), offered(), id="user in a schema"),
        pytest.param(offered(signature={}), offered(), id="signature in a schema"),
        pytest.param(
            request(messages=[{"role": "user", "content": f"{BILLING} A?"}]),
            request(messages=[{"role": "user", "content": f"{BILLING} B?"}]),
            id="a user text that begins like the billing header",
        ),
        pytest.param(
            request(messages=[{"role": "user", "content": [{"type": "text", "text": BILLING}]}]),
            request(messages=[{"role": "user", "content": []}]),
            id="a user text that is a billing header",
        ),
        pytest.param(request(system=BILLING), request(), id="a system string that begins like it"),
        pytest.param(request(thinking={"type": "adaptive"}), request(), id="thinking"),
        pytest.param(request(output_config={"effort": "high"}), request(), id="effort"),
        pytest.param(request(max_tokens=10), request(), id="max_tokens"),
        pytest.param(request(container="c"), request(), id="container"),
        pytest.param(request(unknown=1), request(unknown=2), id="an unknown field"),
    ],
)
def test_requests_that_can_be_answered_differently_have_two_keys(one: JsonObject, other: JsonObject) -> None:
    assert key_of(one) != key_of(other)


def test_a_count_of_tokens_ignores_less() -> None:
    def counted(body: JsonObject) -> JsonObject:
        return COUNT_TOKENS.read(body).keyed

    marked = request(messages=[{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {}}]}])
    plain = request(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
    assert counted(marked) == counted(plain) == counted({**plain, "metadata": {"user_id": "u"}})
    assert counted(plain) != counted(request())
    assert counted(used()) == used()
    billed = request(system=[{"type": "text", "text": BILLING}])
    assert counted(billed) == billed
