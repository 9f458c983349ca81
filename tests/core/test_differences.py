"""Differences of two JSON values: applied to the one they give the other, equal ones have none, and they are told."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import Json, canonicalize
from reflexd_core.differences import DEEPEST, MOST_ALIGNED, WIDTH, Difference, Kind, differences, json_path, shown

NUMBERS = st.integers(0, 3) | st.sampled_from([0.5, 2**64 + 1])
SCALARS = st.none() | st.booleans() | NUMBERS | st.text("xy", max_size=2)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=25
)
TURNS = st.lists(st.fixed_dictionaries({"r": st.sampled_from("uas"), "c": st.lists(st.integers(0, 9))}), max_size=12)


def patched(value: Json, found: list[Difference]) -> Json:
    """What a list of differences means."""
    if not found or not found[0].path:
        return found[0].after if found else value
    made: Any = value.copy()  # type: ignore[union-attr]
    here = [one for one in found if len(one.path) == 1]
    for one in reversed([one for one in here if one.kind is Kind.REMOVED]):
        del made[one.path[0]]
    for one in here:
        if one.kind is Kind.ADDED and isinstance(made, list):
            made.insert(one.path[0], one.after)
        elif one.kind is not Kind.REMOVED:
            made[one.path[0]] = one.after
    inner: dict[str | int, list[Difference]] = {}
    for one in found:
        if len(one.path) > 1:
            inner.setdefault(one.path[0], []).append(replace(one, path=one.path[1:]))
    for step, those in inner.items():
        made[step] = patched(made[step], those)
    return made  # type: ignore[no-any-return]


@given(JSON, JSON)
def test_applied_to_the_one_they_give_the_other(a: Json, b: Json) -> None:
    found = list(differences(a, b))
    assert canonicalize(patched(a, found)) == canonicalize(b)
    assert bool(found) is (canonicalize(a) != canonicalize(b))


@given(TURNS, st.data())
def test_also_where_a_conversation_was_edited(turns: list[Any], data: st.DataObject) -> None:
    edited = json.loads(json.dumps(turns))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(edited) - 1)))
        match data.draw(st.sampled_from(["insert", "delete", "edit"])):
            case "insert":
                edited.insert(place, {"r": "n", "c": [7]})
            case "delete" if edited:
                del edited[place]
            case _ if edited:
                edited[place]["c"] = [*edited[place]["c"][1:], 11]
    found = list(differences(turns, edited))
    assert patched(turns, found) == edited


@given(JSON)
def test_equal_values_have_none(value: Json) -> None:
    assert list(differences(value, json.loads(canonicalize(value)))) == []


def test_they_name_the_exact_place() -> None:
    a: Json = {"messages": [{"role": "user", "content": "hi"}], "seed": 1, "n": 1}
    b: Json = {"messages": [{"role": "user", "content": "ho"}], "seed": True, "m": None, "n": 1.0}
    assert list(differences(a, b)) == [
        Difference(("m",), Kind.ADDED, after=None),
        Difference(("messages", 0, "content"), Kind.CHANGED, "hi", "ho"),
        Difference(("seed",), Kind.CHANGED, 1, True),
    ]


def test_a_place_is_written_as_people_write_it() -> None:
    assert json_path(()) == "$"
    assert json_path(("messages", 3, "content")) == "$.messages[3].content"
    assert json_path(("odd name", "\0scrubbed", "é")) == '$["odd name"]["\\u0000scrubbed"]["\\u00e9"]'


def test_numbers_are_told_apart_to_the_last_digit() -> None:
    assert [one.path for one in differences([2**63, 1], [2**63 + 1, 1.0])] == [(0,)]


def test_an_item_put_in_between_is_one_difference() -> None:
    turns: list[Json] = [{"role": "user", "content": str(number)} for number in range(40)]
    for place in (0, 1, 20, 39, 40):
        longer = [*turns[:place], {"role": "system", "content": "new"}, *turns[place:]]
        assert list(differences(turns, longer)) == [Difference((place,), Kind.ADDED, after=longer[place])]
        assert list(differences(longer, turns)) == [Difference((place,), Kind.REMOVED, longer[place])]
    both = [{"role": "system", "content": "new"}, *turns[:30], {"role": "user", "content": "!"}, *turns[31:]]
    assert [(one.kind, one.path) for one in differences(turns, both)] == [
        (Kind.ADDED, (0,)),
        (Kind.CHANGED, (31, "content")),
    ]


def test_long_and_deep_values_take_no_time_to_speak_of() -> None:
    other: list[Json] = [{"content": f"{number} " * 20} for number in range(10_000)]
    began = time.perf_counter()
    assert sum(1 for _ in differences(other, [*reversed(other)])) == len(other)
    a: Json = 1
    for _ in range(400):
        a = [a]
    (found,) = differences(a, [a])
    assert len(found.path) == DEEPEST
    repeated: list[Json] = [number % 2 for number in range(MOST_ALIGNED)]
    assert list(differences(repeated, [1, *repeated[:-1]]))
    assert time.perf_counter() - began < 20  # seconds; without its bounds it would be minutes


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("ab", "ac", ('"ab"', '"ac"')),
        ("x" * 500 + "a", "x" * 500 + "b", (f'"…{"x" * 40}a"', f'"…{"x" * 40}b"')),
        ("a" + "x" * 500, "b", (f'"a{"x" * (WIDTH - 1)}…"', '"b"')),
        ({"b": 1, "a": "\u202e\n"}, 5, ('{"a":"\u202e\\n","b":1}', "5")),
        ([1] * 500, None, ("[" + "1," * 79 + "1…", "null")),
    ],
)
def test_values_are_shown_short(before: Json, after: Json, told: tuple[str, str]) -> None:
    assert shown(Difference(("x",), Kind.CHANGED, before, after)) == told


def test_what_is_not_there_is_not_shown() -> None:
    assert shown(Difference((), Kind.ADDED, after=None)) == (None, "null")
    assert shown(Difference((), Kind.REMOVED, "x")) == ('"x"', None)
