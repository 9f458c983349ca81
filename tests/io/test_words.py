"""Errors of queries and bodies, in words: where it is, what stands there, and what may."""

from typing import Literal

import msgspec
import pytest

from reflexd_io.control import words
from reflexd_io.control_client.shapes.common import Wire


class Inner(Wire, frozen=True, kw_only=True):
    text: str | None = None
    kinds: list[Literal["a", "b"]] | None = None


class Shape(Wire, frozen=True, kw_only=True):
    name: str
    order: Literal["up", "down", "left"] = "up"
    only: Literal["this"] | None = None
    filter: Inner | None = None
    share: float | None = None
    on: bool = False


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{}", "name is missing"),
        ('{"nam": 1}', "nam: nothing is called so here; did you mean 'name'?"),
        ('{"name": "", "zzz": 1}', "zzz: nothing is called so here; known are: filter, name, on, only, order, share"),
        ('{"name": "", "filter": {"txet": 1}}', "filter.txet: nothing is called so here; did you mean 'text'?"),
        ('{"name": "", "filter": {"kinds": ["c"]}}', "filter.kinds[0]='c': expected a or b"),
        ('{"name": "", "filter": []}', "filter: expected an object or null, not a list"),
        ('{"name": "", "order": "sideways"}', "order='sideways': expected up, down or left"),
        ('{"name": "", "order": 7}', "order: expected text, not a whole number"),
        ('{"name": "", "only": "that"}', "only='that': expected this"),
        ('{"name": "", "share": "much"}', "share: expected a number or null, not text"),
        ('{"name": "", "share": 1e999}', "share: number out of range"),
        ('{"name": "", "on": 1}', "on: expected true or false, not a whole number"),
        ("[]", "expected an object, not a list"),
        ("{", "Input data was truncated"),
    ],
)
def test_what_is_wrong_is_told_in_words(body: str, said: str) -> None:
    with pytest.raises(msgspec.MsgspecError) as error:
        msgspec.json.decode(body, type=Shape)
    assert words.told(error.value, Shape) == said
