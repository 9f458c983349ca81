"""Answers by meaning, over real sockets, with the models that ship: what hits, what does not, and what is told."""

import contextlib
import http.client
import json
import shutil
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import numpy as np
import pytest

from reflexd_core.policy import Policy, Semantic
from reflexd_io import control, models
from reflexd_io.control_client import BlockingClient, Place, Refused, calls
from reflexd_io.control_client.shapes.exchanges import ExchangeDetail
from reflexd_io.inference.judge import Score
from reflexd_io.runtime import Runtime
from reflexd_io.store import records
from support import tiny
from support.chat import answer
from support.daemon import daemon, settings_for
from support.models import needs_models
from support.upstream import ScriptedUpstream
from support.wire import KEY

pytestmark = needs_models

DIV = "How do I center a div horizontally in CSS?"
DIV_IN_OTHER_WORDS = "css: what's the way to centre a div horizontally"
SORT = "How do I sort a list of numbers in descending order in Python?"
NEAR_MISS = "How do I sort a list of numbers in ascending order in Python?"
NOT_KEPT = {"Cache-Control": "no-store"}
NO_AUDIT = Policy(audit_share=0.0)


class Asker:
    def __init__(self, url: str, upstream: ScriptedUpstream, storage: Path) -> None:
        self.url = url
        self.upstream = upstream
        self.storage = storage

    def learn(self, question: str, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, str]:
        """Ask, and wait until the answer is on disk, from where other wordings find it."""
        before = self._stored()
        told = self.ask(question, headers, **fields)
        assert settled(lambda: self._stored() > before)
        return told

    def _stored(self) -> int:
        count = 0
        for file in (self.storage / "tenants").glob("*.sqlite3"):
            with contextlib.closing(sqlite3.connect(file)) as connection, contextlib.suppress(sqlite3.Error):
                count += connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        return count

    def ask(self, question: str, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, str]:
        """The response's headers by lower-case name, with the answer under ``body``."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        messages = fields.pop("messages", [{"role": "user", "content": question}])
        body = json.dumps({"model": "gpt-4o", "messages": messages, **fields})
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", **(headers or {})}
        try:
            connection.request("POST", "/v1/chat/completions", body, sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return {**told, "body": response.read().decode()}
        finally:
            connection.close()

    def by(self, question: str, headers: dict[str, str] | None = None, **fields: Any) -> str:
        """How it was answered and why."""
        told = self.ask(question, headers, **fields)
        return " ".join(filter(None, (told["x-reflex-status"], told.get("x-reflex-reason"))))


def wait_for_models(runtime: Runtime) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{runtime.url}/ready") as page:
            if json.load(page)["components"]["models"]["status"] != "loading":
                return
        time.sleep(0.02)
    raise AssertionError("the models were not loaded in time")


@contextmanager
def asking(storage: Path, upstream: ScriptedUpstream, **changes: object) -> Iterator[tuple[Asker, Runtime]]:
    changes.setdefault("policy", NO_AUDIT)
    changes.setdefault("inference_backend", "auto")
    changes.setdefault("semantic_budget_ms", 20_000)  # a busy machine must not decide what these tests see
    with daemon(settings_for(storage, upstream.url, **changes)) as runtime:
        wait_for_models(runtime)
        yield Asker(runtime.url, upstream, storage), runtime


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream().running() as scripted:
        scripted.script = answer
        yield scripted


@pytest.fixture
def asker(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[Asker]:
    with asking(tmp_path / "store", upstream) as (made, _):
        yield made


def _control(running: Runtime) -> BlockingClient:
    return BlockingClient(Place(running.url, running.admin_token))


def settled(found: Callable[[], bool]) -> bool:
    """Whether it came true in time: what is done beside the answer takes a moment."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.02)
    return False


def test_the_same_question_in_other_words_is_answered_and_explained(asker: Asker) -> None:
    first = asker.learn(DIV)
    told = asker.ask(DIV_IN_OTHER_WORDS)
    assert told["x-reflex-status"] == "hit-l3-verified"
    assert told["x-reflex-reason"] == "verified"
    assert 0.0 < float(told["x-reflex-similarity"]) <= 1.0
    assert 0.5 < float(told["x-reflex-score"]) <= 1.0
    assert told["x-reflex-exchange"]
    assert {"form", "embed", "l2", "l3"} <= {part.split(";")[0] for part in told["server-timing"].split(", ")}
    assert told["body"] == first["body"]
    assert asker.upstream.calls == 1


def test_a_near_miss_is_forwarded_and_told_why(asker: Asker) -> None:
    asker.learn(SORT)
    told = asker.ask(NEAR_MISS)
    assert told["x-reflex-status"] == "miss"
    assert "ascending" in told["x-reflex-words"]
    assert told["x-reflex-reason"].startswith(("guard-", "below-threshold"))
    assert asker.upstream.calls == 2


def test_politeness_needs_no_model(asker: Asker) -> None:
    asker.learn(DIV)
    told = asker.ask("Hi! Please: how can I center a div horizontally in CSS")
    assert (told["x-reflex-status"], told["x-reflex-reason"]) == ("hit-l3-verified", "normal-form")
    assert "x-reflex-score" not in told


def test_a_verified_question_is_answered_at_once_next_time_and_says_so(asker: Asker) -> None:
    asker.learn(DIV)
    judged = asker.ask(DIV_IN_OTHER_WORDS)
    again = asker.ask(DIV_IN_OTHER_WORDS)
    for name in ("x-reflex-status", "x-reflex-entry", "x-reflex-score", "x-reflex-similarity", "x-reflex-reason"):
        assert again[name] == judged[name]
    assert again["x-reflex-exchange"] != judged["x-reflex-exchange"]
    assert again["server-timing"].split(";")[0] == "l1"
    assert "l3" not in again["server-timing"]


def test_an_acceptance_survives_a_restart(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, _):
        asker.learn(DIV)
        judged = asker.ask(DIV_IN_OTHER_WORDS)
    with asking(tmp_path / "store", upstream) as (asker, _):
        again = asker.ask(DIV_IN_OTHER_WORDS)
        assert (again["x-reflex-status"], again["x-reflex-score"]) == ("hit-l3-verified", judged["x-reflex-score"])
        assert asker.by(DIV_IN_OTHER_WORDS, max_tokens=900).startswith("hit-l3-verified")
    assert upstream.calls == 1


def test_exact_askers_never_get_an_answer_by_meaning(asker: Asker) -> None:
    asker.learn(DIV)
    asker.ask(DIV_IN_OTHER_WORDS)
    assert asker.by(DIV_IN_OTHER_WORDS, {"x-reflex-tiers": "exact"}) == "miss asked"
    assert asker.by(DIV_IN_OTHER_WORDS, {"x-reflex-tiers": "exact"}) == "hit-l1-exact"


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "gpt-4o-mini"},
        {"stop": ["x"]},
        {"response_format": {"type": "json_object"}},
        {"reasoning_effort": "low"},
        {"some_new_field": 1},
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": DIV_IN_OTHER_WORDS}]},
    ],
)
def test_everything_but_the_question_must_match(asker: Asker, fields: dict[str, Any]) -> None:
    asker.learn(DIV)
    assert asker.by(DIV_IN_OTHER_WORDS, **fields) == "miss nothing-near"


def test_sampling_need_not_match_unless_the_tenant_says_so(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "a", upstream) as (asker, _):
        asker.learn(DIV, temperature=0.2)
        assert asker.by(DIV_IN_OTHER_WORDS, temperature=0.9, seed=7).startswith("hit-l3")
    with asking(tmp_path / "b", upstream, policy=replace(NO_AUDIT, match_sampling=True)) as (asker, _):
        asker.learn(DIV, temperature=0.2)
        assert asker.by(DIV_IN_OTHER_WORDS, temperature=0.9) == "miss nothing-near"
        assert asker.by(DIV_IN_OTHER_WORDS, temperature=0.2).startswith("hit-l3")


def test_the_answer_must_fit_the_askers_limit(asker: Asker) -> None:
    asker.learn(DIV)  # 7 output tokens
    assert asker.by(DIV_IN_OTHER_WORDS, max_tokens=6) == "miss longer-than-asked"
    assert asker.by("css centre a div horizontally, how?", max_tokens=7).startswith("hit-l3")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What is the latest version of Node.js?", "moment-bound"),
        ("Wie zentriere ich ein div mit CSS?", "language"),
        ("how to fix this file", "refers-to-place"),
    ],
)
def test_words_that_forbid_it_are_told(asker: Asker, question: str, reason: str) -> None:
    assert asker.by(question) == f"miss {reason}"
    assert asker.by(question) == "hit-l1-exact"


def test_a_question_that_the_models_cannot_see_whole_is_exact_only(asker: Asker) -> None:
    question = "How do I sort these words in Python: " + " ".join(f"word{chr(97 + n % 26)}" for n in range(120))
    assert asker.by(question) == "miss too-long"
    assert asker.by(question) == "hit-l1-exact"


def test_an_answer_with_a_tool_call_answers_its_own_words_only(asker: Asker) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    asker.learn(DIV, tools=tools)
    assert asker.by(DIV_IN_OTHER_WORDS, tools=tools) == "miss nothing-near"


def test_in_shadow_nothing_is_served_and_everything_compared(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    shadow = replace(NO_AUDIT, semantic=Semantic.SHADOW)
    tenants = {"default": shadow}
    with asking(tmp_path / "store", upstream, policy=shadow, tenants=tenants) as (asker, runtime):
        mine = {"x-reflex-tenant": "default"}
        asker.learn(DIV, mine)
        told = asker.ask(DIV_IN_OTHER_WORDS, mine)
        assert (told["x-reflex-status"], told["x-reflex-reason"]) == ("miss", "shadow")
        assert float(told["x-reflex-score"]) > 0.5
        assert upstream.calls == 2
        assert settled(lambda: _control(runtime).do(calls.audits("default")).same == 1)


def test_one_in_so_many_would_be_hits_is_forwarded_and_compared(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    always = replace(NO_AUDIT, audit_share=1.0)
    with asking(tmp_path / "store", upstream, policy=always, tenants={"default": always}) as (asker, _):
        asker.learn(DIV)
        assert asker.by(DIV_IN_OTHER_WORDS) == "miss audit"
        assert asker.by(DIV_IN_OTHER_WORDS) == "hit-l1-exact"


def test_wrong_ends_a_pairing_for_good(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, runtime):
        asker.learn(DIV)
        told = asker.ask(DIV_IN_OTHER_WORDS)
        wrong = calls.wrong(told["x-reflex-entry"], told["x-reflex-exchange"])
        ended = _control(runtime).do(wrong)
        assert (ended.stored, ended.asked) == (DIV, DIV_IN_OTHER_WORDS)
        for question in (DIV_IN_OTHER_WORDS, "please, " + DIV_IN_OTHER_WORDS):
            assert asker.by(question, NOT_KEPT).startswith("miss")
        again = _control(runtime).do(wrong)
        assert again == ended  # saying it twice does no harm
        with pytest.raises(Refused, match="was not answered by entry"):
            _control(runtime).do(calls.wrong("0" * 32, told["x-reflex-exchange"]))
    with asking(tmp_path / "store", upstream) as (asker, _):
        assert asker.by("Please, " + DIV_IN_OTHER_WORDS, NOT_KEPT).startswith("miss")


def test_wrong_can_be_taken_back(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, runtime):
        asker.learn(DIV)
        told = asker.ask(DIV_IN_OTHER_WORDS)
        named = (told["x-reflex-entry"], told["x-reflex-exchange"])
        with pytest.raises(Refused, match="was not called wrong"):
            _control(runtime).do(calls.not_wrong(*named))
        _control(runtime).do(calls.wrong(*named))
        assert asker.by(DIV_IN_OTHER_WORDS, NOT_KEPT).startswith("miss")
        back = _control(runtime).do(calls.not_wrong(*named))
        assert (back.stored, back.asked) == (DIV, DIV_IN_OTHER_WORDS)
        assert asker.by(DIV_IN_OTHER_WORDS, NOT_KEPT).startswith("hit-l3")


def test_the_control_api_wants_its_token_and_clear_words(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, runtime):
        mine = _control(runtime)
        stranger = _control(replace(runtime, admin_token="guess"))
        entry = "/admin/entries/" + "0" * 32 + "/wrong"
        for who, method, path, body, status, said in (
            (stranger, "GET", "/admin/audits", b"", 401, b"admin token"),
            (mine, "GET", "/admin/nothing", b"", 404, b"has no /admin/nothing"),
            (mine, "GET", entry, b"", 405, b"GET does nothing"),
            (mine, "POST", "/admin/audits", b"{}", 405, b"POST does nothing"),
            (mine, "GET", "/admin/audits?tennant=x", b"", 400, b"did you mean 'tenant'?"),
            (mine, "POST", entry, b'{"exchange": 7}', 400, b"exchange: expected text, not a whole number"),
            (mine, "POST", entry, b"{", 400, b"The body cannot be read"),
            (mine, "POST", entry, b'{"exchange": "x"}', 404, b"No exchange 'x'"),
            (mine, "POST", entry, b" " * (2 * control.LIMIT), 413, b"at most"),
            (mine, "GET", "/v1/admin/audits", b"", 404, b"has no GET /v1/admin/audits"),
            (mine, "GET", "/u/openai/v1/admin/audits", b"", 404, b"has no GET"),
            (mine, "GET", "/t/default/admin/audits", b"", 404, b"has no GET"),
        ):
            answered, told = who.send(method, path, body)
            assert (answered, said in told) == (status, True), (path, told)
        assert upstream.calls == 0
        headers = {"Authorization": f"Bearer {runtime.admin_token}"}
        for more in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            request = urllib.request.Request(f"{asker.url}/admin/audits", headers={**headers, **more})
            with pytest.raises(urllib.error.HTTPError, match="403") as refused:
                urllib.request.urlopen(request)
            refused.value.close()


def test_a_refreshed_answer_takes_the_place_of_the_old_one_for_all_wordings(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with asking(tmp_path / "store", upstream) as (asker, _):
        asker.learn(DIV)
        assert asker.by(DIV_IN_OTHER_WORDS).startswith("hit-l3")
        upstream.script = lambda seen: replace(answer(seen), body=answer(seen).body.replace(b"says", b"writes"))
        fresh = asker.ask(DIV, {"Cache-Control": "no-cache"})
        assert "writes" in fresh["body"]
        assert settled(lambda: "writes" in asker.ask(DIV_IN_OTHER_WORDS, NOT_KEPT)["body"])


def test_an_old_answer_read_while_the_new_one_is_written_is_not_kept(
    tmp_path: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, written = records.insert, threading.Event()

    def slowly(connection: sqlite3.Connection, record: records.Record) -> None:
        if b"writes" in record.answer.recorded:
            written.wait(60)
        insert(connection, record)

    with asking(tmp_path / "store", upstream) as (asker, _):
        asker.learn(DIV)
        assert asker.by(DIV_IN_OTHER_WORDS).startswith("hit-l3")
        monkeypatch.setattr(records, "insert", slowly)
        upstream.script = lambda seen: replace(answer(seen), body=answer(seen).body.replace(b"says", b"writes"))
        assert "writes" in asker.ask(DIV, {"Cache-Control": "no-cache"})["body"]
        assert "says" in asker.ask(DIV_IN_OTHER_WORDS, NOT_KEPT)["body"]  # as the disk has it still
        written.set()
        assert settled(lambda: "writes" in asker.ask(DIV_IN_OTHER_WORDS, NOT_KEPT)["body"])


def test_wrong_holds_for_who_may_not_keep_anything_too(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, runtime):
        asker.learn(DIV)
        told = asker.ask(DIV_IN_OTHER_WORDS, NOT_KEPT)
        assert told["x-reflex-status"] == "hit-l3-verified"
        _control(runtime).do(calls.wrong(told["x-reflex-entry"], told["x-reflex-exchange"]))
        assert asker.by(DIV_IN_OTHER_WORDS, NOT_KEPT).startswith("miss")


def test_exact_askers_in_two_forms_at_once_never_get_a_pairing(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, _):
        asker.learn(DIV)
        stored = asker.ask(DIV_IN_OTHER_WORDS)["x-reflex-entry"]
    for round_ in range(3):
        folder = tmp_path / f"copy{round_}"
        shutil.copytree(tmp_path / "store", folder)
        with asking(folder, upstream) as (asker, _):
            exact = {"x-reflex-tiers": "exact"}
            with ThreadPoolExecutor(2) as pool:
                as_stream = pool.submit(asker.ask, DIV_IN_OTHER_WORDS, exact, stream=True)
                as_body = pool.submit(asker.ask, DIV_IN_OTHER_WORDS, exact)
            for told in (as_stream.result(), as_body.result()):
                assert told["x-reflex-status"] in ("miss", "hit-l1-exact")
                assert told.get("x-reflex-entry") != stored


def test_moment_bound_answers_are_short_lived_whatever_else_is_asked(asker: Asker) -> None:
    for fields in ({}, {"n": 2}, {"logprobs": True}):
        asker.ask("What is the latest version of Node.js?", **fields)
        told = asker.ask("What is the latest version of Node.js?", **fields)
        assert 0 < int(told["cache-status"].rpartition("ttl=")[2]) <= 600


def test_other_tenants_questions_are_never_near(asker: Asker) -> None:
    asker.learn(DIV)
    other = {"Authorization": "Bearer sk-proj-fedcba9876543210fedcba9876543210"}
    assert asker.by(DIV_IN_OTHER_WORDS, other) == "miss nothing-near"


@pytest.mark.parametrize(
    ("fault", "reason"), [("fails", "model-failed"), ("hangs", "too-slow"), ("lies", "below-threshold")]
)
def test_a_model_that_fails_hangs_or_lies_costs_the_hit_and_no_more(
    tmp_path: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str
) -> None:
    async def verify(*_: object) -> list[Score]:
        if fault == "fails":
            raise RuntimeError("out of memory")
        if fault == "hangs":
            await anyio.sleep(60)
        return [Score(float("nan"), ())]

    with asking(tmp_path / "store", upstream, semantic_budget_ms=2_000) as (asker, _):
        asker.learn(DIV)
        monkeypatch.setattr(models.Models, "verify", verify)
        assert asker.by(DIV_IN_OTHER_WORDS) == f"miss {reason}"
        assert upstream.calls == 2


@pytest.mark.parametrize(
    ("fault", "reason"), [("fails", "model-failed"), ("hangs", "too-slow"), ("lies", "model-failed")]
)
def test_an_embedder_that_fails_hangs_or_lies_costs_the_hit_and_no_more(
    tmp_path: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str
) -> None:
    async def embed(*_: object) -> bytes:
        if fault == "fails":
            raise RuntimeError("out of memory")
        if fault == "hangs":
            await anyio.sleep(60)
        return np.full(384, np.nan, "<f2").tobytes()

    with asking(tmp_path / "store", upstream, semantic_budget_ms=2_000) as (asker, _):
        asker.learn(DIV)
        monkeypatch.setattr(models.Models, "embed", embed)
        assert asker.by(DIV_IN_OTHER_WORDS) == f"miss {reason}"
        asker.learn(SORT)  # whose vector is none either: it answers its own words
        assert asker.by(SORT) == "hit-l1-exact"
        assert upstream.calls == 3


def test_a_verifier_of_ones_own_is_only_watched_until_it_is_tuned(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    own = tiny.write(tmp_path / "own", tiny.BERT, tiny.bert(labels=2))
    with asking(tmp_path / "store", upstream, reranker_path=own, reranker_threshold=0.01) as (asker, runtime):
        with urllib.request.urlopen(f"{runtime.url}/ready") as page:
            assert json.load(page)["components"]["models"]["status"] == "shadow"
        asker.learn("how do i sort a list in python")
        assert asker.by("in python how do i sort a list") == "miss shadow"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("none", "none"),
        ("cut", "model.safetensors"),
        ("other", "model_type 'gpt2'"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_at_start_and_the_exact_tier_goes_on(
    tmp_path: Path, upstream: ScriptedUpstream, given: str, said: str
) -> None:
    folder = tmp_path / given
    if given != "none":
        config = {**tiny.BERT, "model_type": "gpt2"} if given == "other" else tiny.BERT
        tiny.write(folder, config, tiny.bert(labels=2))
    if given == "cut":
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with asking(tmp_path / "store", upstream, reranker_path=folder) as (asker, runtime):
        with urllib.request.urlopen(f"{runtime.url}/ready") as page:
            told = json.load(page)["components"]["models"]
        assert told["status"] == "degraded"
        assert said in told["reason"]
        assert (given in told["reason"], str(tmp_path) in told["reason"]) == (True, False)
        asker.learn(DIV)
        assert asker.by(DIV) == "hit-l1-exact"
        assert asker.by(DIV_IN_OTHER_WORDS) == "miss not-stored"


@pytest.mark.parametrize(
    "question",
    [
        "",
        " ",
        "\0",
        "🙂🙃",
        "How do I sort\0 a list?",
        "x" * 100_000,
        "\u202eright to left",
        "как? how? どう?",
        "?" * 90,
    ],
)
def test_odd_questions_are_exact_only_and_break_nothing(asker: Asker, question: str) -> None:
    asker.learn(DIV)
    assert asker.by(question).startswith("miss")
    assert asker.by(question) == "hit-l1-exact"


def test_without_models_the_exact_tier_goes_on(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream, inference_backend="off") as (asker, _):
        asker.learn(DIV)
        assert asker.by(DIV) == "hit-l1-exact"
        assert asker.by(DIV_IN_OTHER_WORDS) == "miss not-stored"


def test_what_was_stored_before_the_models_came_is_found_later(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream, inference_backend="off") as (asker, _):
        asker.learn(DIV)
    with asking(tmp_path / "store", upstream) as (asker, _):
        tries = iter(range(900, 1000))
        assert settled(lambda: asker.by(DIV_IN_OTHER_WORDS, max_tokens=next(tries)).startswith("hit-l3"))


def test_settings_reach_the_policy(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream, reranker_threshold=1.0) as (asker, _):
        asker.learn(DIV)
        assert asker.by(DIV_IN_OTHER_WORDS) == "miss below-threshold"


def test_how_it_was_decided_is_told_afterwards(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with asking(tmp_path / "store", upstream) as (asker, runtime):
        entry = asker.learn(DIV)["x-reflex-exchange"]
        asker.learn(SORT)

        def detail(told: dict[str, str]) -> ExchangeDetail:
            return _control(runtime).do(calls.exchange(told["x-reflex-exchange"]))

        found = detail(asker.ask(DIV_IN_OTHER_WORDS))
        assert (found.row.status, found.pairing) == ("hit-l3-verified", True)
        assert (found.question, found.stored_question) == (DIV_IN_OTHER_WORDS, DIV)
        tiers = {tier.name: tier.outcome for tier in found.tiers}
        assert tiers == {
            "exact": "nothing",
            "form": "nothing",
            "embed": "found",
            "near": "found",
            "judge": "accepted",
        }
        assert all(tier.ms > 0 for tier in found.tiers)
        (served,) = [one for one in found.candidates if one.accepted]
        assert served.question == DIV
        assert served.entry == found.row.entry == _control(runtime).do(calls.exchange(entry)).row.entry
        assert found.threshold is not None
        assert (served.score or 0) >= found.threshold
        assert (served.similarity, served.score) == (found.similarity, found.score)

        again = detail(asker.ask(DIV_IN_OTHER_WORDS))  # from memory, where no exchange was opened
        assert (again.row.status, again.pairing) == ("hit-l3-verified", True)
        assert (again.question, again.stored_question) == (DIV_IN_OTHER_WORDS, DIV)

        refused = detail(asker.ask(NEAR_MISS))
        assert (refused.row.status, refused.pairing) == ("miss", False)
        (near,) = [one for one in refused.candidates if one.question == SORT]
        assert not near.accepted
        assert near.guard is not None
        assert refused.row.reason == f"guard-{near.guard}"
        assert {"ascending", "descending"} <= set(near.words)
        assert detail(asker.ask("What is the latest version of Python?")).exact_only == "moment-bound"
