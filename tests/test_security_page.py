"""SECURITY.md promises nothing that no test holds: every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    defined = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 30
    assert named <= defined, named - defined
    for path in re.findall(r"`(?:tests/)?([\w/]*test_\w+\.py)`", PAGE):
        assert any(file.as_posix().endswith(path) for file in files), path
