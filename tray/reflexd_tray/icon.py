"""The icon, drawn in code: one look, one size, crisp at any.

Shapes differ as well as colours, for people who see few colours and for panels that paint icons in one: a full disc
is on, a bolt within it a hit, two bars are a pause, a triangle is trouble, an empty ring with a stroke is offline.
"""

from functools import lru_cache
from math import cos, radians, sin

from PIL import Image, ImageDraw

from reflexd_tray.model import Look

SIZES = (16, 22, 24, 32, 48, 64, 128, 256)
_FINER = 8
"""Drawn so many times as large and then made smaller, which smooths its edges."""

_TEAL = (20, 160, 140, 255)
_GREEN = (40, 180, 70, 255)
_AMBER = (210, 132, 10, 255)
_RED = (215, 60, 50, 255)
_GREY = (135, 140, 150, 255)
_WHITE = (255, 255, 255, 255)
_CLEAR = (0, 0, 0, 0)

Point = tuple[float, float]


@lru_cache(maxsize=64)
def draw(look: Look, size: int = 64) -> Image.Image:
    """A square image of ``size`` pixels a side, RGBA."""
    side = size * _FINER
    image = Image.new("RGBA", (side, side), _CLEAR)
    pen = _Pen(ImageDraw.Draw(image), side)
    match look:
        case Look.ON:
            pen.disc(_TEAL)
            pen.arrow_back()
        case Look.HIT:
            pen.disc(_GREEN)
            pen.shape(_BOLT, _WHITE)
        case Look.PAUSED:
            pen.ring(_AMBER)
            pen.bar(0.32, 0.45, _AMBER)
            pen.bar(0.55, 0.68, _AMBER)
        case Look.FAILING:
            pen.shape(((0.5, 0.05), (0.98, 0.92), (0.02, 0.92)), _RED)
            pen.shape(((0.44, 0.34), (0.56, 0.34), (0.54, 0.64), (0.46, 0.64)), _WHITE)
            pen.dot(0.5, 0.76, 0.06, _WHITE)
        case Look.OFFLINE:
            pen.ring(_GREY)
            pen.shape(((0.18, 0.74), (0.74, 0.18), (0.82, 0.26), (0.26, 0.82)), _GREY)
    return image.resize((size, size), Image.Resampling.LANCZOS)


_BOLT: tuple[Point, ...] = ((0.57, 0.14), (0.27, 0.56), (0.46, 0.56), (0.41, 0.86), (0.73, 0.42), (0.53, 0.42))


class _Pen:
    """Draws in units of the whole side."""

    def __init__(self, canvas: ImageDraw.ImageDraw, side: int) -> None:
        self._canvas = canvas
        self._side = side

    def disc(self, colour: tuple[int, ...]) -> None:
        self.dot(0.5, 0.5, 0.48, colour)

    def dot(self, x: float, y: float, radius: float, colour: tuple[int, ...]) -> None:
        self._canvas.ellipse(self._box(x - radius, y - radius, x + radius, y + radius), fill=colour)

    def ring(self, colour: tuple[int, ...]) -> None:
        self._canvas.ellipse(self._box(0.02, 0.02, 0.98, 0.98), outline=colour, width=int(self._side * 0.11))

    def bar(self, left: float, right: float, colour: tuple[int, ...]) -> None:
        self._canvas.rounded_rectangle(self._box(left, 0.3, right, 0.7), radius=self._side * 0.03, fill=colour)

    def shape(self, points: tuple[Point, ...], colour: tuple[int, ...]) -> None:
        self._canvas.polygon([(x * self._side, y * self._side) for x, y in points], fill=colour)

    def arrow_back(self) -> None:
        """An arc that comes back to where it began: what was asked is answered here."""
        width = int(self._side * 0.1)
        self._canvas.arc(self._box(0.25, 0.25, 0.75, 0.75), 130, 400, fill=_WHITE, width=width)
        tip = radians(40)
        x, y = 0.5 + 0.2 * cos(tip), 0.5 + 0.2 * sin(tip)
        self.shape(((x - 0.17, y - 0.02), (x + 0.15, y - 0.04), (x - 0.03, y + 0.2)), _WHITE)

    def _box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return (left * self._side, top * self._side, right * self._side, bottom * self._side)
