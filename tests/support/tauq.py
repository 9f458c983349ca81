"""Tauq for tests: the golden vectors, and JSON of every kind, the kinds that notations get wrong above all."""

import json

from hypothesis import strategies as st

from reflexd_core.canonical import Json
from reflexd_core.tauq import Style

MINIFIED = Style(minify=True)
COMMAS = Style(minify=True, commas=True)

_ALICE_AND_BOB: Json = [{"id": 1, "name": "Alice"}, {"id": 2, "name": "Bob"}]
_CHOICES: Json = [
    {"index": 0, "message": {"role": "assistant", "content": "hi"}},
    {"index": 1, "message": {"role": "assistant", "content": "yo"}},
]
_ODD_STRINGS: Json = ["web", "a b", "", True, None, 1.5, "true", "12", "1e5", "x:y", "a,b", "inf"]

GOLDEN: list[tuple[Json, str]] = [
    (
        {"name": "Alice", "age": 30, "active": True, "x": None},
        "name Alice\nage 30\nactive true\nx null",
    ),
    (_ALICE_AND_BOB, "!def Record id name\n1 Alice\n2 Bob"),
    ([{"id": 1, "name": "Alice"}], "[\n{ id 1 name Alice }\n]"),
    ({"users": _ALICE_AND_BOB}, "!def User id name\n---\nusers [\n  !use User\n  1 Alice\n  2 Bob\n]"),
    ({"tags": _ODD_STRINGS}, 'tags [web "a b" "" true null 1.5 "true" "12" "1e5" "x:y" "a,b" "inf"]'),
    (
        {"a": {"b": {"c": 1, "d": [1, 2]}, "e": {}}, "f": []},
        "a {\n  b {\n    c 1\n    d [1 2]\n  }\n  e {}\n}\nf []",
    ),
    ({"m": [[1, 2], [3, 4]]}, "m [[1 2] [3 4]]"),
    ({"o": {"my key": 1, "true": 2}}, 'o {\n  "my key" 1\n  "true" 2\n}'),
    (
        {"rows": [{"a": {"k": 1}, "b": [1, {"z": 2}]}, {"a": {}, "b": []}]},
        "!def Row a b\n---\nrows [\n  !use Row\n  { k 1 } [1 { z 2 }]\n  {  } []\n]",
    ),
    ({"p": [{"a": 1, "b": 2}, {"b": 3, "a": 4}]}, "!def P a b\n---\np [\n  !use P\n  1 2\n  4 3\n]"),
    (
        {"choices": _CHOICES},
        """!def Choice index message
---
choices [
  !use Choice
  0 { role assistant content hi }
  1 { role assistant content yo }
]""",
    ),
    ("hello world", '"hello world"'),
    (42, "42"),
    (None, "null"),
    ([], "[]"),
]
"""Values and the canonical text of each, as the reference writes it."""

GOLDEN_IN_STYLE: list[tuple[Json, Style, str]] = [
    (_ALICE_AND_BOB, MINIFIED, "!def Record id name;1 Alice;2 Bob"),
    (_ALICE_AND_BOB, COMMAS, "!def Record id,name;1,Alice;2,Bob"),
    ([{"id": 1, "name": "Alice"}], MINIFIED, "[{ id 1 name Alice }]"),
    ({"users": _ALICE_AND_BOB}, MINIFIED, "!def User id name;---;users [!use User;1 Alice;2 Bob]"),
    ({"a": {"b": {"c": 1, "d": [1, 2]}, "e": {}}, "f": []}, MINIFIED, "a {b {c 1;d [1 2]};e {}};f []"),
]

GOLDEN_TO_READ: list[tuple[str, Json]] = [
    ("!def U a b c\n1 2\n3\n4 5 6", [{"a": 1, "b": 2}, {"a": 3}, {"a": 4, "b": 5, "c": 6}]),
    ("key: value", {"key": "value"}),
    ("a 1\n!def U x y\n1 2\n---\nb 2", [{"a": 1}, {"x": 1, "y": 2}, {"b": 2}]),
    ('o { "quoted key" 1, b 2 ; c:3 }', {"o": {"quoted key": 1, "b": 2, "c": 3}}),
    (
        "!def A x:[B] y\n!def B p q\n!use A\n[1 2; 3 4] z",
        {"x": [{"p": 1, "q": 2}, {"p": 3, "q": 4}], "y": "z"},
    ),
    (
        "!def Admin name perms\n!def Guest name\n---\nteam [\n!use Admin\nann [read write]\n!use Guest\nbob\n]",
        {"team": [{"name": "ann", "perms": ["read", "write"]}, {"name": "bob"}]},
    ),
    ("a 1; b 2\n[1 2]\nc 3", [[1, 2], {"a": 1, "b": 2, "c": 3}]),
    ("a 1 b 2", {"a": 1, "b": 2}),
    ("key v#c", {"key": "v"}),
    ("", []),
    ("!def U a b\n1 2", {"a": 1, "b": 2}),
    ("!def U a b\n1 2 3 4", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    ("!def U a b\nb:5 a:7", {"b": 5, "a": 7}),
    ('{"a": 1, "b": [1, 2]}', {"a": 1, "b": [1, 2]}),
    ('log [stdout file "x" file://var]', {"log": ["stdout", "file", "x", "file", "//var"]}),
]
"""Texts that no writer of ours writes, and what they mean."""

GOLDEN_ERRORS = ["just", "a {b}", "x }", "!def", "!use Ghost", '"a": 1', "url https://a"]

LOOKALIKES = [
    *("", " ", "a b", "true", "null", "None", "inf", "-Infinity", "NaN", "+nan", "1", "-0", "007", "+5", ".5", "5."),
    *("1e5", "1e400", "e5", "1_000", "0x10", "٣", "²", "a²", "---", "--", "-", "- 1", "!def", "!use X", "#", "x#y"),
    *("a:b", "a,b", "a;b", "[", "]", "{", "}", '"', "'", "\\", "\\n", "\\u0041", "\n", "\r\n", "\t", "\0", "\x1c"),
    *(
        "\x85",
        "\xa0",
        "a\xa0b",
        "\u2028",
        "\ufeff",
        "é",
        "日本",
        "😀",
        "x-y",
        "v1.2+b",
        "/x",
        "u@x.com",
        "https://a/b",
    ),
    *("id", "name", "user", "users", "user2", "users2", "inf2", "entries", "class", "_", "s", "ies"),
]
"""Texts that look like something else in Tauq, or that other writers get wrong, as keys and as values."""

TEXT = st.one_of(
    st.sampled_from(LOOKALIKES),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.text('ab"\\nrt\n\t :,;#!-[]{}1.e+', max_size=8),
)
INTEGERS = st.one_of(st.integers(-9, 9), st.integers(-(2**63), 2**64 - 1))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def _tables(values: st.SearchStrategy[Json], texts: st.SearchStrategy[str]) -> st.SearchStrategy[Json]:
    """Lists of objects with the same keys in any order, and of nearly the same."""

    def rows(keys: list[str]) -> st.SearchStrategy[Json]:
        row = st.permutations(keys).flatmap(lambda order: st.fixed_dictionaries(dict.fromkeys(order, values)))
        return st.lists(row, min_size=1, max_size=4)

    return st.lists(texts, min_size=1, max_size=4, unique=True).flatmap(rows)


def json_of(numbers: st.SearchStrategy[Json], texts: st.SearchStrategy[str] = TEXT) -> st.SearchStrategy[Json]:
    """JSON values of every shape."""
    return st.recursive(
        st.one_of(st.none(), st.booleans(), numbers, texts),
        lambda values: st.one_of(
            st.lists(values, max_size=4), st.dictionaries(texts, values, max_size=4), _tables(values, texts)
        ),
        max_leaves=25,
    )


VALUES = json_of(st.one_of(INTEGERS, FLOATS))
"""All that Tauq can say."""
STYLES = st.builds(Style, minify=st.booleans(), commas=st.booleans(), schemas=st.booleans())


def told(value: Json) -> str:
    """Equal for values that are the same in every type and digit; the order of keys does not count."""
    return json.dumps(value, sort_keys=True)


def nested(depth: int, inner: Json = 0, *, objects: bool = False) -> Json:
    """The value in so many lists, or objects, one inside the other."""
    value = inner
    for _ in range(depth):
        value = {"a": value} if objects else [value]
    return value
