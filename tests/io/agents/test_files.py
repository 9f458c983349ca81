"""Configuration files edited in place: nothing changes but the one setting, and taking it out leaves what was."""

import difflib
import json
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reflexd_io.agents import files
from reflexd_io.agents.files import CannotEdit

JSONC = """\
// mine
{
  "theme": "dark", // at night
  /* servers */
  "mcp": { "a": [1, 2, ], },
  "env": {
    "FOO": "https://example.com//x",
  },
}
"""

TOML = """\
# my codex
model = "gpt-5"   # the good one

[mcp_servers.docs]
command = "docs"  # mine

[[hooks]]
name = "x"
"""

YAML = """\
# mine
name: Local   # assistant
version: 1.0.0
models:
  # the first
  - name: GPT
    provider: openai   # paid
    model: gpt-5
    roles: [chat, edit]
  -   name: Claude
      provider: anthropic
      model: claude
rules:
    - be brief
"""

DOTENV = "# mine\nexport FOO='a b'\nBAR=1\n"


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        ("json", JSONC, ("env", "URL")),
        ("json", JSONC, ("new", "URL")),
        ("toml", TOML, ("new", "URL")),
        ("toml", TOML, ("URL",)),
        ("yaml", YAML, ("models", 0, "URL")),
        ("dotenv", DOTENV, ("URL",)),
    ],
)
def test_what_is_added_has_the_line_ends_of_the_file(kind: str, text: str, path: files.Path) -> None:
    windows = text.replace("\n", "\r\n")
    added, wanted = files.put(kind, windows, path, "x"), files.put(kind, text, path, "x")
    assert added == wanted.replace("\n", "\r\n")
    assert files.drop(kind, added, path) == files.drop(kind, wanted, path).replace("\n", "\r\n")
    mixed = windows + "\n"
    assert files.put(kind, mixed, path, "x").count("\r\n") == windows.count("\r\n")


def test_a_comment_behind_a_variable_is_none_of_its_value() -> None:
    text = "A=b # c\nB='x # y' # z\nC=d#e\nD= # nothing\n"
    assert files.FORMATS["dotenv"].read(text) == {"A": "b", "B": "x # y", "C": "d#e", "D": ""}
    for name, line in (("A", "A=u # c"), ("B", "B=u # z"), ("C", "C=u"), ("D", "D= u # nothing")):
        assert line in files.put("dotenv", text, (name,), "u").splitlines()


@pytest.mark.parametrize(
    ("kind", "text", "path", "line"),
    [
        ("json", JSONC, ("env", "URL"), '    "URL": "http://x"'),
        ("json", JSONC, ("provider",), '  "provider": "http://x"'),
        ("json", JSONC, ("mcp", "b"), None),
        ("json", '{"a": 1}', ("b",), None),
        ("json", "{}", ("a", "b", "c"), None),
        ("json", "", ("a",), None),
        ("toml", TOML, ("model_provider",), 'model_provider = "http://x"'),
        ("toml", TOML, ("model_providers", "reflex", "base_url"), 'base_url = "http://x"'),
        ("toml", TOML, ("mcp_servers", "docs", "url"), 'url = "http://x"'),
        ("toml", "", ("a", "b"), None),
        ("yaml", YAML, ("models", 0, "apiBase"), '    apiBase: "http://x"'),
        ("yaml", YAML, ("models", 1, "apiBase"), '      apiBase: "http://x"'),
        ("yaml", YAML, ("openai-api-base",), 'openai-api-base: "http://x"'),
        ("yaml", YAML, ("rules", 1), '    - "http://x"'),
        ("yaml", YAML, ("models", 0, "roles", 2), '    roles: [chat, edit, "http://x"]'),
        ("yaml", "# only words\n", ("a", "b"), 'a: {"b": "http://x"}'),
        ("yaml", "a: {b: 1}\n", ("a", "c"), 'a: {b: 1, c: "http://x"}'),
        ("dotenv", DOTENV, ("URL",), "URL=http://x"),
    ],
)
def test_a_setting_is_added_where_it_belongs_and_nothing_else_moves(
    kind: str, text: str, path: files.Path, line: str | None
) -> None:
    after = files.put(kind, text, path, "http://x")
    assert files.found(files.FORMATS[kind].read(after), path) == "http://x"
    if line is not None:
        assert line in after.splitlines() or f"{line}," in after.splitlines()
    gone = [old for old in difflib.ndiff(text.splitlines(), after.splitlines()) if old.startswith("- ")]
    assert len(gone) <= 1  # the line that was added to, or that got a comma
    assert files.found(files.FORMATS[kind].read(text), path) is files.MISSING


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        ("json", JSONC, ("env", "FOO")),
        ("json", JSONC, ("theme",)),
        ("toml", TOML, ("model",)),
        ("yaml", YAML, ("models", 1, "provider")),
        ("dotenv", DOTENV, ("FOO",)),
    ],
)
def test_a_setting_is_replaced_with_its_comment_and_place_kept(kind: str, text: str, path: files.Path) -> None:
    after = files.put(kind, text, path, "http://x")
    assert files.found(files.FORMATS[kind].read(after), path) == "http://x"
    changed = [(old, new) for old, new in zip(text.splitlines(), after.splitlines(), strict=True) if old != new]
    ((old, new),) = changed
    for mark in ("#", "//"):
        assert old.partition(f" {mark}")[2] == new.partition(f" {mark}")[2]


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        ("json", JSONC, ("env", "URL")),
        ("json", JSONC, ("a", "b")),
        ("json", '{"a": 1}', ("b",)),
        ("toml", TOML, ("model_provider",)),
        ("toml", TOML, ("mcp_servers", "docs", "url")),
        ("yaml", YAML, ("models", 0, "apiBase")),
        ("yaml", YAML, ("models", 1, "apiBase")),
        ("yaml", "a: 1 # x\n", ("b",)),
        ("dotenv", DOTENV, ("URL",)),
    ],
)
def test_what_was_added_can_be_taken_out_again(kind: str, text: str, path: files.Path) -> None:
    assert files.drop(kind, files.put(kind, text, path, "http://x"), path).rstrip() == text.rstrip()


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        ("json", '{"a": 1, "a": 2}', ("b",)),
        ("json", '{"a": [', ("b",)),
        ("json", "{'a': 1}", ("b",)),
        ("json", "[" * 200 + "]" * 200, ("b",)),
        ("json", "[1]", ("a",)),
        ("json", '{"a": "text"}', ("a", "b")),
        ("json", '{"a" 1}', ("b",)),
        ("json", "{} x", ("b",)),
        ("toml", "a = ", ("b",)),
        ("toml", "a = 1", ("a", "b")),
        ("yaml", "a: [", ("b",)),
        ("yaml", "a: text\n", ("a", "b")),
        ("yaml", "- a\n", ("b",)),
        *(
            ("yaml", text, ("b",))
            for text in ("a: 2001-99-99\n", "a: !!int x\n", "a: !!bool x\n", "a: !!timestamp x\n")
        ),
        pytest.param("yaml", "[" * 3000, ("b",), id="yaml-open-brackets"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(kind: str, text: str, path: files.Path) -> None:
    with pytest.raises(CannotEdit):
        files.put(kind, text, path, "http://x")


NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(
    content=st.dictionaries(NAMES, VALUES, max_size=4),
    path=st.lists(NAMES, min_size=1, max_size=3),
    indent=st.sampled_from([None, 2, 4, "\t"]),
)
def test_any_object_takes_any_setting_and_gives_it_back(
    content: dict[str, Any], path: list[str], indent: Any
) -> None:
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    known = files.found(content, tuple(path))
    try:
        after = files.put("json", text, tuple(path), "http://x")
    except CannotEdit:
        holders = [files.found(content, tuple(path[:depth])) for depth in range(len(path))]
        assert any(not isinstance(holder, dict) for holder in holders if holder is not files.MISSING)
        return
    assert files.found(json.loads(after), tuple(path)) == "http://x"
    if known is files.MISSING and all(
        files.found(content, tuple(path[:depth])) not in ({}, None) for depth in range(1, len(path))
    ):
        back = json.loads(files.drop("json", after, tuple(path)))
        assert back == content


@given(st.text(max_size=40))
def test_no_text_makes_a_format_fail_but_by_its_own_error(text: str) -> None:
    for kind in files.FORMATS:
        try:
            after = files.put(kind, text, ("a",), "http://x")
        except CannotEdit:
            continue
        assert files.FORMATS[kind].read(after)["a"] == "http://x"


def test_the_files_are_what_their_own_parsers_read() -> None:
    assert tomllib.loads(files.put("toml", TOML, ("a", "b"), "x"))["a"] == {"b": "x"}
    assert yaml.safe_load(files.put("yaml", YAML, ("models", 0, "apiBase"), "x"))["models"][0]["apiBase"] == "x"
