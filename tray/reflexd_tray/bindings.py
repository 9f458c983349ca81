"""GTK's bindings, lent from the system's own Python where this one has none.

They are compiled for one version of Python and are on no package index ready made; distributions have them for their
own Python, and an environment made by uv, pipx or pip does not see those. Where the versions are alike they work here
too, behind everything that is ours.
"""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PLACES = (
    Path("/usr/lib/python3/dist-packages"),
    Path(f"/usr/lib64/python{_VERSION}/site-packages"),
    Path(f"/usr/lib/python{_VERSION}/site-packages"),
)


def lend(places: Iterable[Path] = PLACES) -> None:
    """Let ``import gi`` find the system's, last of all; nothing where there is one, or none that fits."""
    if sys.platform != "linux" or getattr(sys, "frozen", False) or find_spec("gi") is not None:
        return
    fits = f"_gi.cpython-{sys.version_info.major}{sys.version_info.minor}-*.so"
    found = next((place for place in places if any((place / "gi").glob(fits))), None)
    if found is not None and str(found) not in sys.path:
        sys.path.append(str(found))
