"""``/metrics``: what Prometheus reads, the same as JSON with numbers, and who may read it off loopback."""

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from reflexd_core.prices import Price, Prices
from reflexd_core.tally import BOUNDS, Tally
from reflexd_io import metrics
from reflexd_io.ledger import Ledger
from reflexd_io.metrics import ANONYMOUS, MOST, Snapshot
from reflexd_io.peers import Peer, Peers
from reflexd_io.store.usage import Usage
from support.asking import answer, chat, fetch
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: bytes) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_prometheus_reads_what_happened(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer(given=1000, made=100, cached=400)))
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        chat(running.url, "what is it?")
        chat(running.url, "what is it?")
        chat(running.url, "whose?", Authorization="Bearer sk-proj-a-key-of-somebodys-own")
        upstream.answers(Reply(status=429, body=b"{}"))
        chat(running.url, "too often?")
        status, headers, text = fetch(f"{running.url}/metrics")
        while b'reflex_entries{tenant="default"} 1.0' not in text:  # its file is just being made
            status, headers, text = fetch(f"{running.url}/metrics")
        as_json = fetch(f"{running.url}/metrics", Accept="application/json")
        open_metrics = fetch(f"{running.url}/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    found = samples(text)
    default = ("tenant", "default")
    assert found["reflex_requests_total", (("status", "hit-l1-exact"), default)] == 1
    assert found["reflex_requests_total", (("status", "miss"), default)] == 2
    assert found["reflex_requests_total", (("status", "miss"), ("tenant", ANONYMOUS))] == 1
    assert found["reflex_hit_ratio", ()] == 0.25
    assert found["reflex_saved_tokens_total", (("model", "gpt-4o"),)] == 1100
    assert round(found["reflex_saved_dollars_total", (("model", "gpt-4o"),)], 6) == 0.003
    assert found["reflex_provider_cached_tokens_total", (("model", "gpt-4o"),)] == 800
    assert found["reflex_entries", (default,)] == 1
    assert found["reflex_storage_bytes", (default,)] > 1000
    assert found["reflex_upstream_errors_total", (("status", "429"), ("upstream", "openai"))] == 1
    assert found["reflex_request_duration_seconds_count", (("status", "miss"),)] == 3
    assert found["reflex_request_duration_seconds_bucket", (("le", "+Inf"), ("status", "miss"))] == 3
    assert found["reflex_tier_duration_seconds_count", (("tier", "l1"),)] == 3
    assert found["reflex_model_backend_info", (("status", "off"),)] == 1
    assert b"sk-proj" not in text
    assert b"anon-" not in text
    told: dict[str, Any] = json.loads(as_json[2])
    assert as_json[1]["content-type"] == "application/json"
    assert told["reflex_hit_ratio"] == 0.25
    assert {"tenant": "default", "status": "miss", "value": 2} in told["reflex_requests_total"]
    latency = next(row for row in told["reflex_request_duration_seconds"] if row["status"] == "miss")
    assert latency["count"] == 3
    assert [bucket["le"] for bucket in latency["buckets"]] == [*BOUNDS, None]
    assert open_metrics[1]["content-type"].startswith("application/openmetrics-text")
    assert open_metrics[2].endswith(b"# EOF\n")


def test_an_upstream_that_cannot_be_reached_is_counted(tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path, "http://127.0.0.1:9/v1")) as running:
        assert chat(running.url, "anybody?")[0] >= 500
        fetch(f"{running.url}/v1/models", Authorization="Bearer reflex")
        found = samples(fetch(f"{running.url}/metrics")[2])
    assert found["reflex_upstream_errors_total", (("status", "unreachable"), ("upstream", "openai"))] == 2
    assert found["reflex_errors_total", ()] == 1


def test_only_reading_is_possible(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        assert fetch(f"{running.url}/metrics", b"{}")[0] == 405
        assert fetch(f"{running.url}/metrics", method="HEAD")[2] == b""


def test_off_loopback_it_wants_the_admin_token(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def meet(*_: object) -> Peer:
        return Peer(address="192.0.2.9", here="192.0.2.1", is_local=False)

    monkeypatch.setattr(Peers, "meet", meet)
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        url = f"http://127.0.0.1:{running.port}/metrics"
        refused = fetch(url)
        assert refused[0] == 401
        assert refused[1]["www-authenticate"] == "Bearer"
        assert fetch(url, Authorization="Bearer wrong")[0] == 401
        assert fetch(url, Authorization=f"Bearer {running.admin_token}")[0] == 200


def test_labels_are_bounded() -> None:
    ledger = Ledger(Prices([Price(pattern="m*", input=1, output=1, cached_input=1, as_of="")]))
    for number in range(4 * MOST):
        one = Tally(requests=1, dollars=1.0, input=1)
        ledger.totals[f"tenant{number}", f"m{number}", "hit-l1-exact"] = one
        ledger.totals[f"anon-{number}", "m0", "miss"] = one
    snapshot = Snapshot(
        ledger=ledger,
        usage={f"tenant{number}": Usage(2, 10) for number in range(4 * MOST)},
        memory=(0, 0),
        models={},
        active=0,
        evictions=0,
        problems=0,
        storage_limit=1,
        name_of=str,
    )
    families = {family.name: family for family in snapshot.collect()}
    requests = families["reflex_requests"].samples
    assert len({sample.labels["tenant"] for sample in requests}) == MOST + 1
    assert sum(sample.value for sample in requests) == 8 * MOST
    assert len(families["reflex_saved_dollars"].samples) == MOST + 1
    assert sum(sample.value for sample in families["reflex_saved_dollars"].samples) == 4 * MOST
    assert sum(sample.value for sample in families["reflex_entries"].samples) == 8 * MOST
    assert len(families["reflex_storage_bytes"].samples) == MOST + 1


def test_numbers_are_numbers_in_the_json_form_of_what_is_known_of_models_too() -> None:
    family = InfoMetricFamily("reflex_model_backend", "", value={"dimension": "384", "model": "some-12"})
    assert metrics._as_json(family) == ("reflex_model_backend", {"dimension": 384, "model": "some-12"})
