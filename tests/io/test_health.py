"""Health pages over the wire: numbers and names, never a key or a text."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reflexd_core import __version__
from reflexd_core.policy import Policy
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

KEY = "sk-proj-a-secret-of-the-clients-own"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a private question"}]}
ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "private"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxies this machine's environment names."""


def _get(url: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    with _DIRECT.open(urllib.request.Request(url, method=method), timeout=20) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def _page(url: str) -> dict[str, Any]:
    page = json.loads(_get(url)[2])
    assert isinstance(page, dict)
    return page


def _ask(url: str, **headers: str) -> None:
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", **headers}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(BODY).encode(), sent)
    with _DIRECT.open(request, timeout=20) as answer:
        answer.read()


def test_pages_say_what_they_should(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=json.dumps(ANSWER).encode()))
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        assert _page(f"{running.url}/healthz") == {"status": "ok"}
        assert _page(f"{running.url}/") == {"name": "reflexd", "version": __version__, "health": "/health"}
        ready = _page(f"{running.url}/ready")
        assert ready["status"] == "ok"
        assert ready["components"]["storage"] == {"status": "ok"}
        assert ready["components"]["models"]["status"] == "off"
        before = _page(f"{running.url}/health")
        assert before["since_start"]["exchanges"] == 0
        assert before["since_start"]["hit_rate"] is None
        _ask(running.url)
        _ask(running.url)
        _ask(running.url)
        _ask(running.url, **{"x-bypass-cache": "1"})
        health = _page(f"{running.url}/health")
    assert health["pid"] == os.getpid()
    assert health["version"] == __version__
    assert health["uptime_seconds"] >= 0
    assert health["tenant"] == "default"
    assert health["caching"] is True
    assert health["memory"]["entries"] == 1
    assert health["memory"]["bytes"] > 100
    since = health["since_start"]
    assert since["by_status"] == {"miss": 1, "hit-l1-exact": 2, "bypass": 1}
    assert (since["exchanges"], since["hits"], since["hit_rate"]) == (4, 2, 0.5)
    assert since["saved_tokens"] == 2200
    assert since["saved_dollars"] == pytest.approx(2 * (1000 * 2.5 + 100 * 10) / 1e6)
    said = json.dumps([ready, before, health])
    assert KEY not in said
    assert "private" not in said


@pytest.mark.parametrize("path", ["/", "/healthz", "/ready", "/health"])
def test_agents_may_probe_with_any_reading_method(reflex: str, path: str) -> None:
    url = reflex.removesuffix("/v1") + path
    for method in ("GET", "HEAD", "OPTIONS"):
        status, headers, body = _get(url, method)
        assert status == 200
        assert headers["content-type"] == "application/json"
        assert int(headers["content-length"]) > 0
        assert bool(body) is (method != "HEAD")
    with pytest.raises(urllib.error.HTTPError) as refused:
        _get(url, "POST")
    with refused.value as error:
        assert error.status == 405
        assert "error" in json.load(error)


def test_a_store_that_cannot_be_used_is_told_but_requests_are_still_answered(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.answers(Reply(body=json.dumps(ANSWER).encode()))
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants" / "default.sqlite3").write_bytes(b"no database at all" * 200)
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        _ask(running.url, Authorization="Bearer reflex")
        status, _, body = _get(f"{running.url}/ready")
        ready = json.loads(body)
    assert status == 200  # it can forward, so it is ready
    assert ready["status"] == "degraded"
    assert ready["components"]["forwarding"] == {"status": "ok"}
    assert "not a database" in ready["components"]["storage"]["problems"]["default"]


def test_a_tenant_that_caches_nothing_says_so(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    off = replace(settings_for(tmp_path, upstream.url), tenants={"default": Policy(caching=False)})
    with daemon(off) as running:
        assert _page(f"{running.url}/health")["caching"] is False
