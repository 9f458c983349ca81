"""Keys: what must not change them, and above all that nothing else ever leaves two requests with one key."""

import json
from collections import defaultdict
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reflexd_core.canonical import JsonObject, Uncomparable, read_json
from reflexd_core.dialects import CHAT
from reflexd_core.differences import differences
from reflexd_core.keys import MEMO_HEADERS, RECIPE, covered, digest, exact_key, header_parts, memo_key, scope_key
from reflexd_core.parts import join_request, split_request
from support.places import EXTRA, JSON, NAMES, Path, changed_at, holder_of, paths, same
from support.shared import shared_rows

ENVELOPE = {
    *("stream", "stream_options", "user", "metadata", "client_metadata", "service_tier"),
    *("prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store"),
}
"""Written down a second time on purpose: from design.md, not from the code."""

FIELDS = {"tenant": "t", "upstream": "openai", "dialect": "chat", "path": "/chat/completions", "query": ""}


def scope_of(scoped: JsonObject, headers: dict[str, str] | None = None, **fields: str) -> bytes:
    return scope_key(**{**FIELDS, **fields}, headers=headers or {}, scoped=scoped)


def key_of(body: JsonObject, headers: dict[str, str] | None = None, **changed: str) -> bytes:
    return exact_key(**{**FIELDS, **changed}, headers=headers or {}, body=CHAT.read(body).keyed)


def is_named_by_a_rule(path: Path) -> bool:
    """Whether design.md lets what stands at this path go unkeyed (tool-call ids may be renamed, one to one)."""
    match path:
        case [str(top), *_] if top in ENVELOPE:
            return True
        case ["messages", int(), "cache_control", *_]:
            return True
        case ["messages", int(), "content", int(), "cache_control", *_]:
            return True
        case ["tools", int(), "cache_control", *_]:
            return True
        case ["messages", int(), "tool_calls", int(), "id"] | ["messages", int(), "tool_call_id"]:
            return True
        case _:
            return False


ARGUMENTS = st.dictionaries(NAMES, JSON, max_size=3).map(json.dumps)
PARTS = st.lists(
    st.builds(lambda text, extra: {**extra, "type": "text", "text": text}, st.text(max_size=4), EXTRA), max_size=3
)
CALLS = st.lists(
    st.builds(
        lambda call_id, arguments: {"id": call_id, "function": {"name": "f", "arguments": arguments}},
        st.sampled_from(["a", "b", "c"]),
        ARGUMENTS,
    ),
    min_size=1,
    max_size=2,
)
TURNS = st.one_of(
    st.builds(lambda role, content: {"role": role, "content": content}, st.sampled_from(["user", "system"]), PARTS),
    st.builds(lambda content, extra: {**extra, "role": "user", "content": content}, st.text(max_size=4), EXTRA),
    st.builds(lambda calls: {"role": "assistant", "tool_calls": calls}, CALLS),
    st.builds(
        lambda call_id, output: {"role": "tool", "tool_call_id": call_id, "content": output},
        st.sampled_from(["a", "b"]),
        st.one_of(ARGUMENTS, PARTS),
    ),
)
TOOLS = st.builds(
    lambda properties, extra: {**extra, "function": {"name": "f", "parameters": {"properties": properties}}},
    st.dictionaries(NAMES, JSON, max_size=3),
    EXTRA,
)
BODIES = st.builds(
    lambda extra, turns, tools: {**extra, "model": "m", "messages": turns, "tools": tools},
    EXTRA,
    st.lists(TURNS, min_size=1, max_size=4),
    st.lists(TOOLS, max_size=2),
)


def normal(body: Any) -> Any:
    """The rules once more, slowly and from design.md: two requests may share a key only if these are equal."""
    body = {name: value for name, value in body.items() if name not in ENVELOPE}
    for path in sorted(paths(body), key=len, reverse=True):
        if path and path[-1] == "cache_control" and is_named_by_a_rule(path):
            del holder_of(body, path)["cache_control"]
    names: dict[str, str] = {}
    turns = body.get("messages") if isinstance(body.get("messages"), list) else []
    for turn in filter(lambda turn: isinstance(turn, dict), turns):
        content = turn.get("content")
        if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
            only = content[0]
            if only.keys() == {"type", "text"} and only["type"] == "text" and isinstance(only["text"], str):
                turn["content"] = only["text"]
        calls = turn.get("tool_calls") if isinstance(turn.get("tool_calls"), list) else []
        for holder, field in [*((call, "id") for call in calls if isinstance(call, dict)), (turn, "tool_call_id")]:
            if isinstance(holder.get(field), str):
                holder[field] = names.setdefault(holder[field], f"#{len(names)}")
    return body


@given(BODIES, st.data())
def test_whatever_no_rule_names_changes_the_key(body: JsonObject, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([path for path in paths(body) if path]))
    assume(not is_named_by_a_rule(place))
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
    for turn in changed["messages"]:
        turn["cache_control"] = data.draw(JSON)
        for part in turn.get("content", []) if isinstance(turn.get("content"), list) else []:
            part["cache_control"] = data.draw(JSON)
        for call in turn.get("tool_calls", []):
            call["id"] = renamed[call["id"]]
        if turn["role"] == "tool":
            turn["tool_call_id"] = renamed[turn["tool_call_id"]]
    for tool in changed["tools"]:
        tool["cache_control"] = data.draw(JSON)
    assume(not any("tool_call_id" in turn for turn in changed["messages"] if turn["role"] == "user"))
    assert key_of(body) == key_of(changed)


def test_no_two_recorded_requests_share_a_key_unless_the_rules_say_so() -> None:
    same_key: dict[bytes, set[str]] = defaultdict(set)
    same_normal: dict[str, set[bytes]] = defaultdict(set)
    for row in shared_rows("recorded/openai_chat.jsonl.gz"):
        body = read_json(row["request_body"].encode())
        assert isinstance(body, dict)
        key, form = key_of(body), json.dumps(normal(json.loads(row["request_body"])), sort_keys=True)
        same_key[key].add(form)
        same_normal[form].add(key)
    assert [forms for forms in same_key.values() if len(forms) > 1] == []
    assert [keys for keys in same_normal.values() if len(keys) > 1] == []


def chat(**changed: Any) -> JsonObject:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **changed}


def asked(arguments: str) -> JsonObject:
    return chat(messages=[{"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": arguments}}]}])


def answered(output: object) -> JsonObject:
    return chat(messages=[{"role": "tool", "tool_call_id": "a", "content": output}])


def offered(schema: object) -> JsonObject:
    return chat(tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(asked('{"cache_control":1}'), asked("{}"), id="cache_control in arguments"),
        pytest.param(asked('{"user":"a"}'), asked('{"user":"b"}'), id="user in arguments"),
        pytest.param(asked('{"id":9007199254740993}'), asked('{"id":9007199254740992}'), id="id in arguments"),
        pytest.param(asked('{"signature":"a"}'), asked('{"signature":"b"}'), id="signature in arguments"),
        pytest.param(answered('{"id":1}'), answered('{"id":2}'), id="id in output"),
        pytest.param(
            answered([{"type": "json", "user": "a"}]), answered([{"type": "json", "user": "b"}]), id="user in output"
        ),
        pytest.param(offered({"cache_control": 1}), offered({}), id="cache_control in a schema"),
        pytest.param(offered({"id": 1}), offered({"id": 2}), id="id in a schema"),
        pytest.param(offered({"user": {}}), offered({}), id="user in a schema"),
        pytest.param(offered({"signature": "a"}), offered({"signature": "b"}), id="signature in a schema"),
        pytest.param(
            offered({"default": 2**63 - 1}), offered({"default": 2**63 - 2}), id="last digit of a 64-bit integer"
        ),
        pytest.param(chat(seed=2**53), chat(seed=2**53 + 1), id="integers that one double holds"),
        pytest.param(chat(temperature=0), chat(temperature=False), id="zero and false"),
        pytest.param(chat(temperature=0), chat(), id="a sampling parameter"),
        pytest.param(chat(stop=None), chat(), id="null and absent"),
        pytest.param(chat(unknown=1), chat(unknown=2), id="an unknown field"),
        pytest.param(chat(model="m"), chat(model="M"), id="the case of the model's name"),
    ],
)
def test_requests_that_can_be_answered_differently_have_two_keys(one: JsonObject, other: JsonObject) -> None:
    assert key_of(one) != key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(chat(temperature=0), chat(temperature=-0.0), id="zeros"),
        pytest.param(chat(temperature=1), chat(temperature=1.0), id="one"),
        pytest.param(chat(stream=True, stream_options={"include_usage": True}), chat(), id="stream and body"),
        pytest.param(
            chat(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}]), chat(), id="one text part"
        ),
        pytest.param(dict(reversed(chat().items())), chat(), id="order of keys"),
    ],
)
def test_requests_that_cannot_be_answered_differently_have_one_key(one: JsonObject, other: JsonObject) -> None:
    assert key_of(one) == key_of(other)


@given(BODIES, BODIES)
def test_two_keys_are_two_exactly_where_a_difference_is_told(one: JsonObject, other: JsonObject) -> None:
    """By way of the parts in which forms are kept."""
    forms = [
        join_request([(part.name, part.body) for part in split_request(CHAT.read(body).keyed)])
        for body in (one, other)
    ]
    assert bool(list(differences(*forms))) is (key_of(one) != key_of(other))


@pytest.mark.parametrize("field", ["upstream", "path", "query", "header"])
def test_what_is_covered_beside_the_body_is_told_where_it_differs(field: str) -> None:
    plain = {"upstream": "u", "path": "/p", "query": "a=1&beta=true&key=k"}
    changed = {**plain, **({field: "x=2"} if field != "header" else {})}
    betas = {"anthropic-beta": "b, a", "anthropic-version": "1", "x-api-key": "secret"}
    other = {**betas, **({"anthropic-beta": "c"} if field == "header" else {})}
    one, two = covered(**plain, headers=betas), covered(**changed, headers=other)
    assert [found.path[0] for found in differences(one, two)] == [field if field != "header" else "headers"]
    assert (key_of({}, betas, **plain) == key_of({}, other, **changed)) is False
    assert one == covered(upstream="u", path="/p", query="a=1", headers={**betas, "anthropic-beta": "a,b"})
    assert "secret" not in str(one)


@pytest.mark.parametrize("name", ["access_token", "api_key", "subscription-key", "sig", "X-Amz-Signature"])
def test_a_secret_of_the_query_is_keyed_but_told_to_nobody(name: str) -> None:
    one, two = (f"{name}=ya29.{number}&api-version=1" for number in "12")
    first, second = (covered(upstream="u", path="/p", query=query, headers={}) for query in (one, two))
    assert [found.path for found in differences(first, second)] == [("query",)]
    assert "ya29" not in str(first)
    assert "api-version=1" in str(first)
    assert key_of({}, query=one) != key_of({}, query=two)


def test_a_body_without_canonical_form_has_no_key() -> None:
    with pytest.raises(Uncomparable):
        key_of(chat(user_text="\ud800"))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


# So short that what ends one field and begins the next is often the same text when joined.
FEW = st.fixed_dictionaries(dict.fromkeys(("tenant", "upstream", "dialect", "path"), st.text("a/", max_size=1)))


@given(FEW, FEW)
def test_tenant_upstream_dialect_and_path_each_make_a_key_of_their_own(one: dict, other: dict) -> None:
    assert (key_of(chat(), **one) == key_of(chat(), **other)) is (one == other)


@given(TEXT, TEXT)
def test_tenants_never_share_a_key(one: str, other: str) -> None:
    assume(one != other)
    assert key_of(chat(), tenant=one) != key_of(chat(), tenant=other)
    assert scope_of(chat(), tenant=one) != scope_of(chat(), tenant=other)


@given(st.binary(max_size=12), st.lists(st.integers(0, 12), max_size=3), st.lists(st.integers(0, 12), max_size=3))
def test_the_same_bytes_cut_elsewhere_make_another_digest(data: bytes, one: list[int], other: list[int]) -> None:
    def cut(places: list[int]) -> list[bytes]:
        edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
        return [data[start:end] for start, end in pairwise(edges)]

    assert (digest(*cut(one)) == digest(*cut(other))) is (cut(one) == cut(other))


@given(*[st.lists(st.binary(max_size=9), max_size=4)] * 2)
def test_two_sequences_of_parts_never_share_a_digest(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(*one) == digest(*other)) is (one == other)


def test_keys_are_32_bytes_and_scopes_are_none_of_them() -> None:
    assert RECIPE == b"reflex-key-1"
    scope = scope_of(chat())
    keys = {digest(), key_of(chat()), scope, memo_key(b"/", {}, [])}
    assert sorted(len(key) for key in keys) == [32, 32, 32, 32]


@pytest.mark.parametrize(
    "query", ["beta=true", "alt=sse", "key=secret", "beta=1&key=2&alt=3", "beta", "&", "%62eta=1"]
)
def test_how_an_answer_travels_and_credentials_in_the_query_are_not_keyed(query: str) -> None:
    assert key_of(chat(), query=query) == key_of(chat())
    assert scope_of(chat(), query=query) == scope_of(chat()) != scope_of(chat(), query=f"a=1&{query}")
    assert key_of(chat(), query=f"a=1&{query}") == key_of(chat(), query="a=1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", "api-version=1"),
        ("api-version=1", "api-version=2"),
        ("a=1", "A=1"),
        ("a=", "b="),
        ("a=1", "a=1&a=1"),
        ("a=1&a=2", "a=2&a=1"),
        ("a=1&b=2", "a=2&b=1"),
        ("a=b%26c=d", "a=b&c=d"),
        ("a=%ff", "a=%fe"),
        ("a=%ff", "a=%EF%BF%BD"),
        ("ab=c", "a=bc"),
        ("Beta=1", ""),
        ("keys=1", ""),
    ],
)
def test_any_other_difference_in_the_query_is_keyed(one: str, other: str) -> None:
    assert key_of(chat(), query=one) != key_of(chat(), query=other)


@pytest.mark.parametrize(("one", "other"), [("a=1&b=2", "b=2&a=1"), ("a=x+y", "a=x%20y"), ("%61=1", "a=1")])
def test_the_spelling_of_the_query_is_not_keyed(one: str, other: str) -> None:
    assert key_of(chat(), query=one) == key_of(chat(), query=other)


def test_api_versions_are_the_only_headers_that_are_keyed() -> None:
    assert header_parts(
        {
            "authorization": "Bearer secret",
            "anthropic-beta": " b ,a",
            "anthropic-version": " 2023-06-01 ",
            "openai-beta": "z, y",
            "x-request-id": "1",
        }
    ) == [b"anthropic-version:2023-06-01", b"anthropic-beta:a,b", b"openai-beta:z, y"]
    assert header_parts({}) == []


@pytest.mark.parametrize("name", ["anthropic-version", "anthropic-beta", "openai-beta"])
def test_each_api_version_makes_a_key_of_its_own(name: str) -> None:
    sent: list[dict[str, str]] = [{}, {name: ""}, {name: "1"}, {name: "2"}]
    assert len({key_of(chat(), headers) for headers in sent}) == 4
    assert len({scope_of(chat(), headers) for headers in sent}) == 4


LINE = st.binary(max_size=6).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b""))
REQUESTS = st.tuples(LINE, st.dictionaries(st.sampled_from(MEMO_HEADERS), LINE, max_size=3), st.binary(max_size=6))


def memo_of(target: bytes, headers: dict[bytes, bytes], raw: bytes) -> bytes:
    return memo_key(target, headers, [raw])


@given(REQUESTS, REQUESTS)
def test_a_memo_names_the_very_bytes(one: tuple, other: tuple) -> None:
    assert (memo_of(*one) == memo_of(*other)) is (one == other)


@given(st.lists(st.binary(max_size=4)))
def test_a_memo_does_not_hang_on_how_the_body_was_cut(pieces: list[bytes]) -> None:
    assert memo_key(b"/", {}, pieces) == memo_of(b"/", {}, b"".join(pieces))


@pytest.mark.parametrize("name", MEMO_HEADERS)
def test_a_memo_is_not_fooled_by_a_body_that_looks_like_headers(name: bytes) -> None:
    bodies = [b"x", b"\nx", name + b"\nv\nx", b"1\n/\nx", b"3\n/\n" + name + b"\nv\nx"]
    sent = [(headers, raw) for headers in ({}, {name: b"v"}, {name: b""}) for raw in bodies]
    assert len({memo_of(b"/", headers, raw) for headers, raw in sent}) == len(sent)


def test_a_memo_knows_every_header_that_changes_the_route_or_the_key() -> None:
    assert set(MEMO_HEADERS) == {
        *(b"anthropic-version", b"anthropic-beta", b"openai-beta"),
        *(b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"),
        *(b"x-reflex-tenant", b"x-reflex-token", b"content-encoding"),
        *(b"user-agent", b"x-title"),
    }
    assert memo_of(b"/", {b"accept": b"*/*", b"x-request-id": b"1"}, b"{}") == memo_of(b"/", {}, b"{}")
    assert len({memo_of(b"/", {name: b"1"}, b"{}") for name in MEMO_HEADERS}) == len(MEMO_HEADERS)


@given(BODIES, BODIES)
def test_scopes_differ_wherever_the_scoped_bodies_do(one: JsonObject, other: JsonObject) -> None:
    assume(not same(one, other))
    assert scope_of(one) != scope_of(other)
