"""Entries: whether a stored answer suits one asker, to the second."""

from dataclasses import replace

import pytest

from reflexd_core.entry import EntryFacts, entry_id, unsuitable
from reflexd_core.policy import Ask
from reflexd_core.request import Form

ENTRY = EntryFacts(
    id="00", dialect="chat", model="m", form=Form.BODY, created=1000.0, expires=None, has_usage=True, asked_usage=True
)
ASK = Ask(
    key=b"k",
    dialect="chat",
    model="m",
    form=Form.BODY,
    wants_usage=True,
    reads=True,
    stores=True,
    joins=True,
    reason="",
)


def test_an_entry_is_named_by_half_of_its_key() -> None:
    assert entry_id(bytes(range(32))) == "000102030405060708090a0b0c0d0e0f"


def test_an_entry_that_never_expires_suits_at_any_time() -> None:
    assert unsuitable(ENTRY, ASK, at=1e12) is None


@pytest.mark.parametrize(
    ("at", "min_fresh", "why"),
    [
        (1599.0, 0.0, None),
        (1600.0, 0.0, "expired"),
        (1601.0, 0.0, "expired"),
        (1589.0, 10.0, None),
        (1590.0, 10.0, "not-fresh-enough"),
        (1600.0, 10.0, "expired"),
    ],
)
def test_an_entry_suits_until_it_expires_and_while_it_is_fresh_enough(
    at: float, min_fresh: float, why: str | None
) -> None:
    assert unsuitable(replace(ENTRY, expires=1600.0), replace(ASK, min_fresh=min_fresh), at) == why


@pytest.mark.parametrize(("at", "why"), [(1000.0, None), (1060.0, None), (1060.5, "too-old")])
def test_an_entry_suits_up_to_the_age_that_the_asker_accepts(at: float, why: str | None) -> None:
    assert unsuitable(ENTRY, replace(ASK, max_age=60.0), at) == why


@pytest.mark.parametrize(
    ("wants", "has", "asked", "form", "why"),
    [
        (True, True, False, Form.STREAM, None),
        (False, False, False, Form.STREAM, None),
        (True, False, False, Form.STREAM, "usage-missing"),
        (True, False, False, Form.BODY, "usage-missing"),
        # A provider that was asked in this very form and sent none will not send any now.
        (True, False, True, Form.BODY, None),
        (True, False, True, Form.STREAM, "usage-missing"),
    ],
)
def test_an_entry_without_usage_does_not_suit_who_would_get_it(
    wants: bool, has: bool, asked: bool, form: Form, why: str | None
) -> None:
    entry = replace(ENTRY, has_usage=has, asked_usage=asked, form=form)
    assert unsuitable(entry, replace(ASK, wants_usage=wants), at=1000.0) == why


def test_expiry_is_told_before_anything_else() -> None:
    entry = replace(ENTRY, expires=1001.0, has_usage=False)
    assert unsuitable(entry, replace(ASK, max_age=0.0), 1002.0) == "expired"
    assert unsuitable(entry, replace(ASK, max_age=0.0), 1000.5) == "too-old"
