"""Every text in the pictures can be read: 4.5 : 1 against what is under it, as WCAG 2.1 wants (1.4.3).

Measured in the pictures themselves, where all colours are mixed already. Of a dialog only what stands in its frame is
looked at: what lies behind is greyed on purpose. The palette and the themes that are Textual's are not ours to judge.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from reflexd_tui.themes import OURS
from support.pictures import scenes

PICTURES = Path(__file__).parent / "__snapshots__" / "test_pictures"
LEAST = 4.5
SCENES = {name: scene for name, scene in scenes().items() if scene.theme in {theme.name for theme in OURS}}
_CANNOT_BE_PRESSED_YET = {("tenants-remove", "Remove")}
_COLOUR = re.compile(r"\.terminal-(r\d+) \{ fill: (#[0-9a-f]{6})")
_RECT = re.compile(r'<rect fill="(#[0-9a-f]{6})" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" shape')
_TEXT = re.compile(r'<text class="terminal-(r\d+)" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')


class Written(NamedTuple):
    text: str
    x: float
    y: float
    colour: str
    under: str

    @property
    def contrast(self) -> float:
        darker, lighter = sorted((luminance(self.colour), luminance(self.under)))
        return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def written(svg: str) -> Iterator[Written]:
    """Texts of a picture with their colours; lines and blocks are none."""
    colours = dict(_COLOUR.findall(svg))
    rects = [(fill, *(float(each) for each in place)) for fill, *place in _RECT.findall(svg)]
    for name, left, base, raw in _TEXT.findall(svg):
        text = html.unescape(raw).replace("\xa0", " ").strip()
        x, y = float(left), float(base)
        under = [fill for fill, a, b, wide, high in rects if a <= x + 1 < a + wide and b <= y - 8 < b + high]
        if text and under:
            yield Written(text, x, y, colours[name], under[-1])


def seen(name: str) -> list[Written]:
    svg = (PICTURES / f"test_picture[{name}].svg").read_text("utf-8")
    texts = list(written(svg))
    if SCENES[name].over:
        corners = [text for text in texts if text.text[0] in "╭╰" or text.text[-1] in "╮╯"]
        if not corners:
            return []
        top, bottom = min(each.y for each in corners), max(each.y for each in corners)
        left, right = (edge(svg, corner) for corner in "╭╮")
        texts = [each for each in texts if top <= each.y <= bottom and left <= each.x < right]
    return [each for each in texts if re.search(r"\w|[●◆◇○→✗✓]", each.text)]


def edge(svg: str, corner: str) -> float:
    """Where the corner stands: at the beginning or at the end of its piece of text."""
    found = re.search(rf'x="([\d.]+)" y="[\d.]+" textLength="([\d.]+)"[^>]*>[^<]*{corner}', svg)
    assert found is not None
    return float(found[1]) + (float(found[2]) if corner == "╮" else 0.0)


@pytest.mark.parametrize("name", SCENES)
def test_it_can_be_read(name: str) -> None:
    faint = [
        f"{each.text[:40]!r}: {each.colour} on {each.under} is {each.contrast:.2f}"
        for each in seen(name)
        if each.contrast < LEAST and (name, each.text) not in _CANNOT_BE_PRESSED_YET
    ]
    assert not faint
