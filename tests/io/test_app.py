"""Starting up: what only makes the first requests quicker may fail, and the daemon serves all the same."""

import logging
import urllib.request
from pathlib import Path

import pytest

from reflexd_io import app
from reflexd_io.store import Store
from reflexd_io.upstream import UpstreamClient
from support.daemon import daemon, settings_for

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_start_up_help_that_fails_is_logged_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no help")

    monkeypatch.setattr(Store, "newest", fails)
    monkeypatch.setattr(UpstreamClient, "prepare", fails)
    monkeypatch.setattr(app, "warm_up_keyring", fails)
    with (
        caplog.at_level(logging.ERROR, logger=app.__name__),
        daemon(settings_for(tmp_path, "http://127.0.0.1:9")) as running,
        _DIRECT.open(f"{running.url}/healthz", timeout=20) as answer,
    ):
        assert answer.status == 200
    told = [record.getMessage() for record in caplog.records if record.name == app.__name__]
    assert len(told) == 3
    assert all("failed; it goes on without" in line for line in told)
