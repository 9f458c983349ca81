"""What the README says of the TUI, held to the TUI: its keys, and the order in which columns go."""

import re
from pathlib import Path

import pytest

from reflexd_tui.app import ReflexApp
from reflexd_tui.pure.columns import Column
from reflexd_tui.screens.help import keys
from reflexd_tui.views.entries import COLUMNS as ENTRIES
from reflexd_tui.views.live import COLUMNS as LIVE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def written(group: str, pairs: list[tuple[str, str]]) -> str:
    """A group of keys as a row of the README's table."""
    told = (f"`{key}` {what if what[:2].isupper() else what[:1].lower() + what[1:]}" for key, what in pairs)
    return f"| {group} | {', '.join(told)} |"


@pytest.mark.parametrize(("group", "bindings"), ReflexApp.key_groups(), ids=lambda given: str(given)[:24])
def test_the_table_of_keys(group: str, bindings: list[object]) -> None:
    assert written(group, keys(bindings)) in README  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [LIVE, ENTRIES])
def test_the_order_in_which_columns_go(columns: tuple[Column, ...]) -> None:
    going = sorted((column for column in columns if not column.grows and column.title.strip()), key=_kept)
    told = ", ".join(column.title.lower() for column in going)
    assert told in re.sub(r"\s+", " ", README)


@pytest.mark.parametrize(("name", "scene"), [("live", "live"), ("key-diff", "key-diff"), ("stats", "stats-light")])
def test_its_pictures_are_what_it_looks_like(name: str, scene: str) -> None:
    picture = f"packaging/pictures/tui-{name}.svg"
    assert picture in README
    tested = Path(__file__).parent / "__snapshots__" / "test_pictures" / f"test_picture[{scene}].svg"
    assert (ROOT / picture).read_text("utf-8") == tested.read_text("utf-8")


def _kept(column: Column) -> int:
    return column.keep
