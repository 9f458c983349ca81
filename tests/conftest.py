"""Fixtures shared by all rooms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import daemon, settings_for
from support.upstream import ScriptedUpstream


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A scripted upstream, running."""
    with ScriptedUpstream().running() as running:
        yield running


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    """A daemon in front of `upstream`; gives its base URL, ``http://127.0.0.1:<port>/v1``."""
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as runtime:
        yield f"{runtime.url}/v1"
