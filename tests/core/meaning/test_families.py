"""Guards held to the half of the families that they were not written on: 95 % of what each refuses is truly two."""

from collections import Counter

import pytest

from reflexd_core.meaning.contrast import contrast
from reflexd_core.meaning.guards import GUARDS
from reflexd_core.meaning.wording import Wording, read_wording
from support.families import pairs

PRECISION = 0.95
LOST = 0.005
"""Of the pairs that one answer serves, those that the guards together may refuse: 0.2 % when this was written."""
CAUGHT = 0.1
"""Of the pairs that it does not serve, those that they refuse at least."""


@pytest.fixture(scope="module")
def refusals() -> dict[bool, Counter[str]]:
    """Refusals of each guard, asked alone, among pairs that are one (True) and that are two (False)."""
    read: dict[str, Wording] = {}
    found: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for pair in pairs(of_held_out=True):
        for text in (pair.one, pair.other):
            if text not in read:
                read[text] = read_wording(text)
        held = contrast(read[pair.one], read[pair.other])
        spoke = [name for name, finds in GUARDS if finds(held) is not None]
        found[pair.same].update([*spoke, "pairs", *(["any"] if spoke else [])])
    return found


@pytest.mark.parametrize("guard", [name for name, _ in GUARDS])
def test_each_guard_refuses_what_is_truly_different(refusals: dict[bool, Counter[str]], guard: str) -> None:
    wrong, right = refusals[True][guard], refusals[False][guard]
    assert right >= PRECISION * (right + wrong)


def test_together_they_cost_few_hits(refusals: dict[bool, Counter[str]]) -> None:
    assert refusals[True]["any"] / refusals[True]["pairs"] <= LOST
    assert refusals[False]["any"] / refusals[False]["pairs"] >= CAUGHT
