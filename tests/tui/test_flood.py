"""A thousand exchanges a second: all are shown or counted, keys stay free, and memory has an end."""

import sys
from pathlib import Path

import pytest

from reflexd_tui.pure.feed import KEPT
from support.flood import measure

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]


async def test_a_thousand_a_second(tmp_path: Path) -> None:
    found = await measure(1000, 3.0, tmp_path / "tui.json")
    assert found.shown + found.missed == found.sent == 3000
    assert found.lateness(0.5) < 0.1
    assert found.lateness(1.0) < 2.0


@pytest.mark.slow
async def test_a_thousand_a_second_for_a_minute(tmp_path: Path) -> None:
    found = await measure(1000, 60.0, tmp_path / "tui.json")
    assert found.sent == 60_000
    assert found.shown == KEPT
    assert found.missed == 0
    assert found.lateness(0.5) < 0.1
    assert found.grown(since=25.0) < 24_000_000, "the feed is full by then: what grows now would grow for ever"
