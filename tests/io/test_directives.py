"""What a request may ask of the cache, and how it is told what became of it: over real sockets."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reflexd_core.policy import Policy
from reflexd_core.routing import PRESETS, Upstream
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream, Seen

KEY = "sk-proj-0123456789abcdef0123456789abcdef"
OTHER_KEY = "sk-proj-fedcba9876543210fedcba9876543210"


@dataclass(frozen=True)
class Told:
    """One answer, with what it says of itself."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def by(self) -> str:
        """How it was answered, and why."""
        return " ".join(filter(None, (self.headers.get("x-reflex-status"), self.headers.get("x-reflex-reason"))))

    @property
    def number(self) -> int:
        """Which of upstream's answers it is, from 1."""
        return int(self.body["id"])


def _ask(
    base: str,
    path: str = "/v1/chat/completions",
    question: str = "hi",
    key: str | None = KEY,
    once_headed: Callable[[], None] = lambda: None,
    **sent: str,
) -> Told:
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in sent.items()}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": question}]})
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        once_headed()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Told(answer.status, told, json.loads(answer.read()))
    finally:
        connection.close()


def _numbered(upstream: ScriptedUpstream) -> None:
    """Each answer says which it is."""

    def reply(_: Seen) -> Reply:
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return Reply(
            headers=[("content-type", "application/json"), ("x-request-id", f"req_{upstream.calls}")],
            body=json.dumps(
                {"id": str(upstream.calls), "model": "gpt-4o", "choices": [choice], "usage": usage}
            ).encode(),
        )

    upstream.script = reply


@pytest.fixture
def serve(upstream: ScriptedUpstream, tmp_path: Path) -> Callable[..., Any]:
    """Start a daemon with changed settings; gives its URL."""
    _numbered(upstream)

    @contextmanager
    def started(**changes: object) -> Iterator[str]:
        with daemon(settings_for(tmp_path / "storage", upstream.url, **changes)) as running:
            yield running.url

    return started


@pytest.fixture
def base(serve: Callable[..., Any]) -> Iterator[str]:
    with serve() as url:
        yield url


def _until_stale(ask: Callable[[], Told], number: int) -> Told:
    """Ask until the answer is no longer the ``number``-th."""
    deadline = time.monotonic() + 60
    while (told := ask()).number == number:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return told


_ITEM = re.compile(r"([A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*|\"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\\\"])*\")")
_PARAMETER = re.compile(
    r";[ ]*([a-z*][a-z0-9_.*-]*)(?:=(-?[0-9]{1,15}|\?[01]|[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*))?"
)


def _cache_status(value: str) -> dict[str, object]:
    """The one cache of a ``Cache-Status`` list, by the grammars of RFC 9211 section 2 and RFC 9651."""
    found = _ITEM.match(value)
    assert found is not None, value
    assert found.group(1) == "reflex"
    place, parameters = found.end(), dict[str, object]()
    while place < len(value):
        parameter = _PARAMETER.match(value, place)
        assert parameter is not None, value[place:]
        name, given = parameter.groups()
        parameters[name] = True if given is None else int(given) if re.fullmatch(r"-?\d+", given) else given
        place = parameter.end()
    assert set(parameters) <= {"hit", "fwd", "fwd-status", "ttl", "stored", "collapsed", "key", "detail"}
    assert parameters.get("hit", True) is True
    assert ("hit" in parameters) is not ("fwd" in parameters)
    assert parameters.get("fwd", "miss") in (
        {"bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"}
    )
    return parameters


def _timings(value: str) -> dict[str, float]:
    """``Server-Timing``: metrics with their durations, milliseconds."""
    metrics: dict[str, float] = {}
    for metric in value.split(","):
        found = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+);dur=([0-9]+(?:\.[0-9]+)?)", metric.strip())
        assert found is not None, metric
        metrics[found.group(1)] = float(found.group(2))
    return metrics


def test_a_miss_a_hit_and_a_bypass_explain_themselves(base: str) -> None:
    miss, hit = _ask(base), _ask(base)
    bypass = _ask(base, x_bypass_cache="true")
    assert (miss.by, hit.by, bypass.by) == ("miss not-stored", "hit-l1-exact", "bypass x-bypass-cache")
    assert [miss.number, hit.number, bypass.number] == [1, 1, 2]
    assert _cache_status(miss.headers["cache-status"]) == {"fwd": "uri-miss"}
    assert _cache_status(hit.headers["cache-status"]) == {"hit": True}
    assert _cache_status(bypass.headers["cache-status"]) == {"fwd": "bypass"}
    assert re.fullmatch("[0-9a-f]{32}", hit.headers["x-reflex-entry"])
    assert "x-reflex-entry" not in miss.headers
    assert int(hit.headers["age"]) in range(10)
    assert "age" not in miss.headers
    assert 0 <= _timings(hit.headers["server-timing"])["l1"] < 5000
    assert _timings(miss.headers["server-timing"]).keys() == {"l1", "form"}
    assert "server-timing" not in bypass.headers
    assert hit.headers["x-request-id"] == "req_1"
    assert hit.headers["content-type"] == "application/json"


def test_a_joined_answer_says_so(base: str, upstream: ScriptedUpstream) -> None:
    release = threading.Event()
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    whole = json.dumps({"id": "1", "choices": [choice]}).encode()
    upstream.answers(Reply(body=[whole[:10], release, whole[10:]]))
    told: list[Told] = []
    leader = threading.Thread(target=lambda: told.append(_ask(base)))
    leader.start()
    _wait(lambda: upstream.calls == 1)
    joined = _ask(base, once_headed=release.set)  # its head comes while the leader's answer is not out
    leader.join(20)
    assert upstream.calls == 1
    (led,) = told
    assert led.by == "miss not-stored"
    assert joined.by == "miss coalesced"
    assert _cache_status(joined.headers["cache-status"]) == {"fwd": "uri-miss", "collapsed": True}
    assert led.body == joined.body


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("value", ["true", "1", "yes", "anything"])
def test_bypass_neither_reads_nor_stores(base: str, value: str) -> None:
    assert _ask(base, x_bypass_cache=value).number == 1
    assert _ask(base).by == "miss not-stored"
    assert _ask(base, x_bypass_cache=value).number == 3
    assert _ask(base).number == 2


@pytest.mark.parametrize("value", ["false", "0", "", "off"])
def test_a_bypass_that_is_off_is_none(base: str, value: str) -> None:
    _ask(base)
    assert _ask(base, x_bypass_cache=value).by == "hit-l1-exact"


def test_no_directive_is_forwarded(base: str, upstream: ScriptedUpstream) -> None:
    _ask(base, x_bypass_cache="1", x_cache_ttl="5", x_reflex_tiers="exact", x_reflex_tenant="default", x_other="kept")
    (seen,) = upstream.seen
    assert seen.header("x-other") == "kept"
    assert not [name for name, _ in seen.headers if name.lower().startswith(("x-reflex", "x-cache", "x-bypass"))]


def test_a_lifetime_of_one_second_ends(base: str) -> None:
    assert _ask(base, x_cache_ttl="1").number == 1
    hit = _ask(base)
    if hit.number == 1:  # unless this machine took a second for it
        assert _cache_status(hit.headers["cache-status"])["ttl"] in (0, 1)
    told = _until_stale(lambda: _ask(base), 1)
    assert told.by == "miss expired"
    assert _cache_status(told.headers["cache-status"]) == {"fwd": "stale"}
    assert _ask(base).by == "hit-l1-exact"  # renewed, and without an end


def test_a_lifetime_of_nothing_is_not_stored(base: str) -> None:
    assert _ask(base, x_cache_ttl="0").by == "miss not-stored"
    assert _ask(base).number == 2
    assert _ask(base, x_cache_ttl="0").number == 2  # reading is not forbidden by it


@pytest.mark.parametrize("value", ["-1", "1.5", "soon", "", "1e3", "0x10", "٣", "9" * 400])
def test_a_lifetime_that_cannot_be_read_leaves_the_cache_out(base: str, value: str) -> None:
    sent = {"x_cache_ttl": value.encode().decode("latin-1")}
    assert _ask(base, **sent).by == "bypass unreadable x-cache-ttl"
    assert _ask(base).by == "miss not-stored"


def test_a_tenants_default_lifetime_and_a_requests_own(serve: Callable[..., Any]) -> None:
    lasting = {"default": Policy(), "short": Policy(exact_lifetime=100.0)}
    with serve(tenants=lasting, policy=Policy(exact_lifetime=50.0)) as base:

        def ttl(question: str, **sent: str) -> object:
            _ask(base, question=question, **sent)
            sent.pop("x_cache_ttl", None)
            return _cache_status(_ask(base, question=question, **sent).headers["cache-status"]).get("ttl")

        assert ttl("a") in range(40, 51)  # anonymous: the general policy
        assert ttl("b", x_reflex_tenant="short") in range(90, 101)
        assert ttl("c", x_reflex_tenant="default") is None
        assert ttl("d", x_reflex_tenant="short", x_cache_ttl="1000") in range(990, 1001)


def test_no_cache_asks_upstream_and_renews(base: str) -> None:
    _ask(base)
    again = _ask(base, cache_control="no-cache")
    assert (again.number, again.by) == (2, "miss no-cache")
    assert _cache_status(again.headers["cache-status"]) == {"fwd": "request"}
    assert _ask(base).number == 2


def test_no_store_reads_but_does_not_keep(base: str) -> None:
    assert _ask(base, cache_control="no-store").by == "miss not-stored"
    assert _ask(base).number == 2
    assert _ask(base, cache_control="No-Store").number == 2
    assert _ask(base, cache_control="no-store, no-cache").number == 3
    assert _ask(base).number == 2


def test_max_age_bounds_how_old_an_answer_may_be(base: str) -> None:
    _ask(base)
    assert _ask(base, cache_control="max-age=3600").number == 1
    assert _ask(base, cache_control='max-age="3600"').number == 1
    told = _until_stale(lambda: _ask(base, cache_control="max-age=0"), 1)
    assert told.by == "miss too-old"
    assert _ask(base, cache_control="max-age=soon").by == "miss no-cache"


def test_min_fresh_wants_an_answer_that_lasts(base: str) -> None:
    _ask(base, x_cache_ttl="60")
    assert _ask(base, cache_control="min-fresh=10").number == 1
    told = _ask(base, cache_control="min-fresh=3600", x_cache_ttl="60")
    assert told.by == "miss not-fresh-enough"
    _ask(base, question="for ever")
    assert _ask(base, question="for ever", cache_control="min-fresh=3600").by == "hit-l1-exact"


def test_only_if_cached_never_goes_upstream(base: str, upstream: ScriptedUpstream) -> None:
    refused = _ask(base, cache_control="only-if-cached")
    assert refused.status == 504
    error = refused.body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert "only-if-cached" in error["message"]
    assert upstream.calls == 0
    _ask(base)
    assert _ask(base, cache_control="only-if-cached").number == 1
    assert _ask(base, cache_control="only-if-cached, no-cache").status == 504
    assert upstream.calls == 1


def test_exact_only_is_understood_and_anything_else_leaves_the_cache_out(base: str) -> None:
    _ask(base)
    assert _ask(base, x_reflex_tiers="exact").by == "hit-l1-exact"
    assert _ask(base, x_reflex_tiers="psychic").by == "bypass unreadable x-reflex-tiers"


def test_directives_are_heard_on_byte_equal_repeats_too(base: str) -> None:
    for _ in range(3):
        _ask(base)
    assert _ask(base, x_bypass_cache="1").by == "bypass x-bypass-cache"
    assert _ask(base, cache_control="no-cache").number == 3
    assert _ask(base).number == 3


def test_nothing_crosses_tenants(serve: Callable[..., Any], upstream: ScriptedUpstream) -> None:
    with serve(tenants={"default": Policy(), "a": Policy(), "b": Policy()}) as base:
        askers: list[dict[str, Any]] = [
            {"key": KEY},
            {"key": OTHER_KEY},
            {"key": "reflex"},
            {"x_reflex_tenant": "a"},
            {"path": "/t/b/v1/chat/completions"},
        ]
        for number, asker in enumerate(askers, 1):
            assert _ask(base, **asker).number == number
        for number, asker in enumerate(askers, 1):
            told = _ask(base, **asker)
            assert (told.number, told.by) == (number, "hit-l1-exact")
        assert upstream.calls == len(askers)
        # The same tenant, however it is named, and whoever's key it is.
        assert _ask(base, "/t/a/v1/chat/completions", key=OTHER_KEY).number == 4
        assert _ask(base, "/t/a/chat/completions", x_reflex_tenant="a").number == 4
        assert _ask(base, x_reflex_tenant="b", key=None).number == 5
        assert _ask(base, x_reflex_tenant="default").number == 3


def test_upstreams_are_named_in_the_path_and_kept_apart(
    serve: Callable[..., Any], upstream: ScriptedUpstream
) -> None:
    with ScriptedUpstream().running() as second:
        _numbered(second)
        upstreams = {
            "openai": Upstream(name="openai", base_url=upstream.url, key_env="NONE", keyless=True),
            "second": Upstream(name="second", base_url=second.url, key_env="NONE", keyless=True),
        }
        with serve(upstreams=upstreams) as base:
            _ask(base)
            assert second.calls == 0
            assert _ask(base, "/u/second/v1/chat/completions").by == "miss not-stored"
            assert (upstream.calls, second.calls) == (1, 1)
            assert second.seen[0].target == "/v1/chat/completions"
            assert second.seen[0].header("authorization") == f"Bearer {KEY}"
            assert _ask(base, "/u/second/chat/completions").by == "hit-l1-exact"
            assert _ask(base, "/u/openai/v1/chat/completions").by == "hit-l1-exact"
            assert (upstream.calls, second.calls) == (1, 1)


def _refusal(told: Told, code: str) -> str:
    assert told.status == 400
    assert told.headers["x-should-retry"] == "false"
    assert told.headers["content-type"] == "application/json"
    error = told.body["error"]
    assert (error["code"], error["type"]) == (code, "invalid_request_error")
    return str(error["message"])


def test_what_reflex_cannot_route_is_refused_at_once(serve: Callable[..., Any], upstream: ScriptedUpstream) -> None:
    with serve(tenants={"default": Policy(), "a": Policy()}) as base:
        both = _ask(base, "/t/a/v1/chat/completions", x_reflex_tenant="default")
        assert "'a'" in _refusal(both, "contradicting_tenants")
        for told in (
            _ask(base, x_reflex_tenant="nobody"),
            _ask(base, "/t/nobody/v1/chat/completions"),
            _ask(base, "/t/nobody/v1/models"),
            _ask(base, "/t//v1/chat/completions"),
        ):
            assert "config.toml" in _refusal(told, "unknown_tenant")
        nowhere = _ask(base, "/u/nowhere/v1/chat/completions")
        assert "openai" in _refusal(nowhere, "unknown_upstream")
        assert upstream.calls == 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
@pytest.mark.parametrize("key", [None, "reflex", ""])
def test_without_any_key_nothing_is_sent(
    serve: Callable[..., Any],
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    key: str | None,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    keyed = {"openai": replace(PRESETS["openai"], base_url=upstream.url)}
    with serve(upstreams=keyed) as base:
        message = _refusal(_ask(base, path, key=key), "upstream_not_configured")
        assert "OPENAI_API_KEY" in message
        assert "reflexd keys set openai --tenant default" in message
        assert upstream.calls == 0


def test_the_environments_key_takes_a_placeholders_place_and_only_that(
    serve: Callable[..., Any], upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-of-the-environment")
    keyed = {"openai": replace(PRESETS["openai"], base_url=upstream.url)}
    with serve(upstreams=keyed) as base:
        _ask(base, key="reflex", x_api_key="reflex")
        _ask(base, key=KEY)
    stored, own = upstream.seen
    assert stored.header("authorization") == "Bearer sk-proj-of-the-environment"
    assert stored.header("x-api-key") is None
    assert own.header("authorization") == f"Bearer {KEY}"


def test_a_tenant_that_caches_nothing_passes_everything_through(serve: Callable[..., Any]) -> None:
    with serve(tenants={"default": Policy(), "off": Policy(caching=False)}) as base:
        for number in (1, 2):
            told = _ask(base, x_reflex_tenant="off")
            assert (told.number, told.by) == (number, "bypass paused")
