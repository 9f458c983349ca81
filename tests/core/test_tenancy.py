"""Tenancy: names that can be used everywhere, and ids that are never given twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.tenancy import LONGEST, name_fault, unused_id

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@pytest.mark.parametrize(
    "name", ["a", "default", "client-a", "A.b_c-9", "a" * 64, "console", "com", "lpt10", "nully"]
)
def test_names_that_will_do(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        ("a" * 65, "at most 64"),
        ("a/b", "no tenant's name"),
        ("../a", "no tenant's name"),
        ("-a", "no tenant's name"),
        ("a\n", "no tenant's name"),
        ("é", "no tenant's name"),
        ("anon-1", "nobody has adopted"),
        ("ANON-1", "nobody has adopted"),
        ("con", "Windows"),
        ("LPT1", "Windows"),
        ("nul.x", "Windows"),
    ],
)
def test_names_that_will_not_do_are_told_why(name: str, words: str) -> None:
    assert words in (name_fault(name) or "")


@given(NAMES, st.lists(NAMES, max_size=30))
def test_an_id_is_given_once_whatever_its_case(name: str, used: list[str]) -> None:
    ids = list(used)
    for _ in range(5):
        found = unused_id(name, ids)
        assert found.lower() not in {each.lower() for each in ids}
        assert len(found) <= LONGEST
        ids.append(found)
    assert unused_id(name, []) == name


def test_a_long_name_gives_room_for_its_number() -> None:
    assert unused_id("a" * 64, ["a" * 64]) == "a" * 62 + ".2"
