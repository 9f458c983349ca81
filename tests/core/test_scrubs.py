"""Scrubs: the volatile lines that agents write around their tools' output, and nothing that a tool wrote."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import JsonObject
from reflexd_core.profiles import CODEX, QWEN_CODE
from reflexd_core.rewrites import apply
from reflexd_core.scrubs import CHUNK_ID, MARK, PROCESS_GROUP, WALL_TIME, in_chat, in_messages, in_responses, rules

HEAD = "Chunk ID: 4cc21b\nWall time: 0.0002 seconds\nProcess exited with code 0\nOriginal token count: 3\nOutput:\n"
MASKED = HEAD.replace("4cc21b", "\0").replace("0.0002", "\0")
QWEN = "Command: echo a\nDirectory: (root)\nOutput: a\nExit Code: 0\nProcess Group PGID: 21482"


def codex(output: Any, kind: str = "function_call_output") -> JsonObject:
    return {"input": [{"type": kind, "call_id": "a", "output": output}]}


def scrubbed(body: JsonObject) -> tuple[Any, tuple[str, ...]]:
    before = deepcopy(body)
    rewritten, fired = apply(rules(CODEX.scrubs, in_responses), body)
    assert body == before
    assert (rewritten is body) is (fired == ())
    return rewritten, fired


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output", "local_shell_call_output"])
def test_codex_heads_its_outputs_with_a_chunk_and_a_time(kind: str) -> None:
    names = ["scrub-chunk-id", "scrub-wall-time"]
    rewritten, fired = scrubbed(codex(HEAD + "hi", kind))
    assert rewritten["input"] == [{"type": kind, "call_id": "a", "output": MASKED + "hi", MARK: names}]
    assert list(fired) == names


def test_text_parts_are_masked_likewise() -> None:
    rewritten, fired = scrubbed(codex([{"type": "input_text", "text": HEAD}, {"type": "input_image"}]))
    part = {"type": "input_text", "text": MASKED, MARK: list(fired)}
    assert rewritten["input"][0]["output"] == [part, {"type": "input_image"}]


def test_the_head_may_end_the_output() -> None:
    assert scrubbed(codex("Chunk ID: 4cc21b"))[0]["input"][0]["output"] == "Chunk ID: \0"
    assert scrubbed(codex("Wall time: 12.5 seconds"))[0]["input"][0]["output"] == "Wall time: \0 seconds"


@pytest.mark.parametrize(
    "output",
    [
        "Chunk ID: 4cc21\n",
        "Chunk ID: 4cc21bb\n",
        "Chunk ID: 4CC21B\n",
        " Chunk ID: 4cc21b\n",
        "chunk id: 4cc21b\n",
        "Wall time: 1.5 s\n",
        "Wall time: 1.5 seconds in all\n",
        "hi\nChunk ID: 4cc21b\nWall time: 1.5 seconds\n",
        "\nWall time: 1.5 seconds\n",
        "Chunk ID: \0\n",
        f"{HEAD}\0",
        {"text": HEAD},
        [{"type": "input_text", "text": 1}],
        None,
    ],
)
def test_what_a_command_printed_counts(output: Any) -> None:
    body = codex(output)
    assert scrubbed(body) == (body, ())


def test_a_command_may_print_what_looks_like_a_head() -> None:
    one, other = (scrubbed(codex(f"{HEAD}Wall time: {n} seconds\nChunk ID: 00000{n}\n"))[0] for n in (1, 2))
    assert one != other
    assert one["input"][0]["output"] == f"{MASKED}Wall time: 1 seconds\nChunk ID: 000001\n"


@pytest.mark.parametrize(
    "body",
    [
        {"input": HEAD},
        {"input": [{"type": "message", "role": "user", "content": HEAD, "output": HEAD}]},
        {"input": [{"type": "function_call", "arguments": HEAD, "output": HEAD}]},
        {"input": [{"output": HEAD}]},
        {"output": HEAD},
    ],
)
def test_only_outputs_are_masked(body: JsonObject) -> None:
    assert scrubbed(body) == (body, ())


def test_qwen_ends_its_outputs_with_a_process_group() -> None:
    masked = QWEN.replace("21482", "\0")
    chat: JsonObject = {"messages": [{"role": "tool", "content": QWEN}, {"role": "user", "content": QWEN}]}
    (rule,) = rules(QWEN_CODE.scrubs, in_chat)
    mark = {MARK: ["scrub-process-group"]}
    assert apply((rule,), chat) == (
        {"messages": [{"role": "tool", "content": masked, **mark}, chat["messages"][1]]},  # type: ignore[index, call-overload]
        ("scrub-process-group",),
    )
    inside: JsonObject = {"messages": [{"role": "tool", "content": f"{QWEN}\nDone."}]}
    assert rule[1](inside) is inside
    for tail in ("", "\n", " \n"):
        assert PROCESS_GROUP.mask({"text": QWEN + tail}, "text") == {"text": masked + tail, **mark}


def test_anthropic_tool_results_are_masked_likewise() -> None:
    def body(output: str, **mark: Any) -> JsonObject:
        result = {"type": "tool_result", "content": [{"type": "text", "text": output, **mark}]}
        return {"messages": [{"role": "user", "content": [result, {"type": "text", "content": QWEN, "text": QWEN}]}]}

    assert in_messages(PROCESS_GROUP, body(QWEN)) == body(
        QWEN.replace("21482", "\0"), **{MARK: ["scrub-process-group"]}
    )
    clean = body("hi")
    assert in_messages(PROCESS_GROUP, clean) is clean


PIECES = st.lists(
    st.sampled_from(
        ["Chunk ID: ", "Wall time: ", " seconds", "\n", "\0", "4cc21b", "00ff00", "1.5", "2", "Output:\n", "x"]
    ),
    max_size=9,
)


@given(PIECES, st.data())
def test_two_outputs_are_taken_for_one_only_where_nothing_but_their_heads_differs(
    pieces: list[str], data: st.DataObject
) -> None:
    changed = [data.draw(st.sampled_from([piece, "4cc21c", "3", "\0"])) for piece in pieces]
    one, other = "".join(pieces), "".join(changed)

    def without_head(output: str) -> str:
        for scrub in (CHUNK_ID, WALL_TIME):
            start, end = scrub.found_in(output) or (0, 0)
            output = f"{output[:start]}*{output[end:]}" if end else output
        return output

    if without_head(one) != without_head(other):
        assert scrubbed(codex(one))[0] != scrubbed(codex(other))[0]


def test_thousands_of_lines_are_no_trouble() -> None:
    for text in ("Chunk ID: 4cc21b" * 20_000, "A: b\n" * 50_000, "\nProcess Group PGID: 1" * 20_000, "\n" * 100_000):
        for scrub in (CHUNK_ID, WALL_TIME, PROCESS_GROUP):
            scrub.mask({"text": text}, "text")


SCRIPT = [
    {"type": "input_text", "text": "Script completed\nWall time 0.4 seconds\nOutput:\n"},
    {
        "type": "input_text",
        "text": '{"chunk_id":"a900f5","wall_time_seconds":0.000004857,"exit_code":0,"output":"reflex-probe\\n"}',
    },
]
"""As Codex 0.169 was seen to send what a script of its own models printed."""


def test_what_a_script_of_codex_prints_is_masked_likewise() -> None:
    rewritten, fired = scrubbed(codex(SCRIPT, "custom_tool_call_output"))
    first, second = rewritten["input"][0]["output"]
    assert fired == ("scrub-chunk-id", "scrub-wall-time")
    assert first["text"] == "Script completed\nWall time \0 seconds\nOutput:\n"
    assert second["text"].startswith('{"chunk_id":"\0","wall_time_seconds":\0,"exit_code":0,')


@pytest.mark.parametrize(
    "output",
    [
        ' {"chunk_id":"a900f5","wall_time_seconds":0.1}',
        '{"chunk_id":"a900f","wall_time_seconds":0.1}'.replace("a900f", "A900F5"),
        '{"chunk_id":"a900f5","exit_code":0}',
        '{"output":"x","chunk_id":"a900f5","wall_time_seconds":0.1}',
        "script completed\nWall time 0.4 seconds\n",
        "Script completed\nWall time 0.4 seconds more\n",
        "Script completed\n\nWall time 0.4 seconds\n",
    ],
)
def test_what_only_looks_like_it_counts(output: str) -> None:
    assert scrubbed(codex(output))[1] == ()


def test_what_the_command_gave_still_counts() -> None:
    changed = deepcopy(SCRIPT)
    changed[1]["text"] = changed[1]["text"].replace("reflex-probe", "else")
    assert scrubbed(codex(SCRIPT))[0] != scrubbed(codex(changed))[0]
