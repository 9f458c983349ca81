"""The icon: told apart by shape alone, at every size, on light and on dark panels."""

from itertools import combinations

import pytest
from PIL import ImageChops, ImageStat

from reflexd_tray.icon import SIZES, draw
from reflexd_tray.model import Look


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_drawn_and_leaves_its_corners_clear(size: int) -> None:
    for look in Look:
        image = draw(look, size)
        assert (image.mode, image.size) == ("RGBA", (size, size))
        assert image.getpixel((0, 0)) == (0, 0, 0, 0)
        left, top, right, bottom = image.getchannel("A").point(lambda alpha: 255 * (alpha > 64)).getbbox() or (0,) * 4
        assert right - left >= size * 0.85
        assert bottom - top >= size * 0.8


@pytest.mark.parametrize("size", [16, 22, 64])
def test_any_two_looks_differ_without_their_colours(size: int) -> None:
    for one, other in combinations(Look, 2):
        grey = [draw(look, size).convert("LA").getchannel(channel) for look in (one, other) for channel in ("L", "A")]
        differing = max(
            ImageStat.Stat(ImageChops.difference(grey[0], grey[2])).mean[0],
            ImageStat.Stat(ImageChops.difference(grey[1], grey[3])).mean[0],
        )
        assert differing > 12, (one, other)
