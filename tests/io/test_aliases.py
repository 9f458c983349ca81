"""Paths and names of other caches: they work, they are numbers, and they want the admin token."""

import json
from pathlib import Path

import pytest

from support.asking import answer, chat, control, fetch
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream


def test_statistics_by_other_names(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        empty = control(running, "/cache/stats")
        for _ in range(4):
            chat(running.url, "what is it?")
        while (told := control(running, "/cache/stats"))["total_entries"] < 1:
            pass  # the disk follows
        longer = control(running, "/admin/stats")
    assert (empty["total_requests"], empty["hit_rate"], empty["miss_rate"]) == (0, 0.0, 0.0)
    assert empty["avg_response_time_ms"] == 0.0
    assert (told["total_requests"], told["exact_hits"], told["semantic_hits"], told["misses"]) == (4, 3, 0, 1)
    assert (told["hit_rate"], told["miss_rate"]) == (0.75, 0.25)
    assert told["avg_response_time_ms"] > 0
    assert told["memory_usage_mb"] > 0
    assert told["evictions_last_hour"] == 0
    assert told["services"] == {"forwarding": "up", "storage": "up", "models": "down"}
    for name in ("total_requests", "exact_hits", "semantic_hits", "misses", "services"):
        assert longer[name] == told[name], name


@pytest.mark.parametrize("path", ["/cache/clear", "/admin/cache/clear"])
def test_clearing_can_be_undone(upstream: ScriptedUpstream, tmp_path: Path, path: str) -> None:
    upstream.answers(Reply(body=answer()))
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        chat(running.url, "what is it?")
        while control(running, "/cache/stats")["total_entries"] < 1:
            pass  # the disk follows
        admin = f"Bearer {running.admin_token}"
        status, _, said = fetch(running.url + path, b'{"tenant": "nobody"}', Authorization=admin)
        assert (status, json.loads(said)["error"]["code"]) == (404, "not_found")
        cleared = control(running, path, method="POST")
        assert cleared["entries_cleared"] == 1
        assert chat(running.url, "what is it?", Cache_Control="only-if-cached")[0] == 504
        assert control(running, f"/admin/trash/{cleared['purge']}/restore", {})["count"] == 1
        assert chat(running.url, "what is it?")[1]["x-reflex-status"] == "hit-l1-exact"
        assert control(running, path, {"tenant": "default"})["entries_cleared"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/cache/stats"), ("GET", "/admin/stats"), ("POST", "/cache/clear"), ("POST", "/admin/cache/clear")],
)
def test_every_alias_wants_the_admin_token(
    upstream: ScriptedUpstream, tmp_path: Path, method: str, path: str
) -> None:
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        for headers in ({}, {"Authorization": "Bearer reflex"}):
            assert fetch(running.url + path, method=method, **headers)[0] == 401
