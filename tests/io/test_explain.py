"""Why did this miss? Over real sockets and a real file: the exact places, or why the same request missed again."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from reflexd_core.policy import KeepRequest, Policy
from reflexd_io.control_client import Ask, BlockingClient, Place, calls
from reflexd_io.control_client.shapes.entries import Purge
from reflexd_io.control_client.shapes.exchanges import Explained
from reflexd_io.runtime import Runtime
from reflexd_io.settings import Settings
from reflexd_io.store import forms
from support.daemon import daemon, settings_for
from support.upstream import Cut, Reply, ScriptedUpstream
from support.wire import STREAM, Answer, Wire, chat, completion, event, eventually, post, stream

CLAUDE = "User-Agent: claude-cli/2.1.197 (external, cli)"
T = TypeVar("T")

AS_DEFAULT = "Authorization: Bearer reflex"


class Asker:
    def __init__(self, running: Runtime, storage: Path) -> None:
        self.running = running
        self.file = storage / "tenants" / "default.sqlite3"
        self._client = BlockingClient(Place(running.url, running.admin_token))

    def ask(self, body: bytes, *headers: str, path: str = "/v1/chat/completions") -> Answer:
        """Returns once the form of a miss is kept."""
        before = self.kept()
        with Wire(self.running.url) as wire:
            answer = wire.ask(post(body, AS_DEFAULT, *headers, path=path))
        if answer.told == "miss" and answer.status == 200:
            eventually(lambda: self.kept() != before, "keeping the form")
        return answer

    def kept(self) -> int:
        """The number of the last form."""
        if not self.file.exists():
            return 0
        with closing(sqlite3.connect(self.file)) as connection:
            try:
                return connection.execute("SELECT coalesce(max(number), 0) FROM forms").fetchone()[0]
            except sqlite3.Error:
                return 0

    def do(self, ask: Ask[T]) -> T:
        return self._client.do(ask)

    def entry_of(self, answer: Answer) -> str:
        return self.do(calls.exchange(name_of(answer))).row.entry or ""

    def kept_exchanges(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT exchange FROM forms ORDER BY number")]

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(sql).fetchall()

    def why(self, answer: Answer) -> Explained:
        return self._client.do(calls.explain(answer.header("x-reflex-exchange") or ""))


@pytest.fixture
def settings(upstream: ScriptedUpstream, tmp_path: Path) -> Settings:
    upstream.answers(Reply(body=completion()))
    return settings_for(tmp_path / "s", upstream.url)


@pytest.fixture
def asker(settings: Settings) -> Iterator[Asker]:
    with daemon(settings) as running:
        yield Asker(running, settings.storage_path)


def turns(*texts: str) -> list[dict[str, str]]:
    return [{"role": "assistant" if place % 2 else "user", "content": text} for place, text in enumerate(texts)]


def name_of(answer: Answer) -> str:
    return answer.header("x-reflex-exchange") or ""


def test_the_exact_places_in_which_it_differs(asker: Asker) -> None:
    first = asker.ask(chat(messages=turns("a", "b", "What day is it? Monday."), temperature=0.5, user="x"))
    second = asker.ask(chat(messages=turns("a", "b", "What day is it? Tuesday."), seed=1))
    told = asker.why(second)
    assert (told.nearest, told.same_key, told.more) == (name_of(first), False, 0)
    assert [(one.path, one.kind, one.before, one.after) for one in told.differences] == [
        ("$.messages[2].content", "changed", '"What day is it? Monday."', '"What day is it? Tuesday."'),
        ("$.seed", "added", None, "1"),
        ("$.temperature", "removed", "0.5", None),
    ]
    assert "differs from the nearest earlier request of the same client in 3 places" in told.why
    assert (told.rules, told.nearest_rules) == ([], ["drop-envelope"])
    assert "first request of this client" in asker.why(first).why


def test_what_the_key_covers_beside_the_body_counts(asker: Asker) -> None:
    asker.ask(chat(), "openai-beta: one")
    told = asker.why(asker.ask(chat(), "openai-beta: two", path="/v1/chat/completions?x=1&beta=true"))
    assert [(one.path, one.before, one.after) for one in told.differences] == [
        ("header openai-beta", '"one"', '"two"'),
        ("query", '""', '"x=1"'),
    ]


def test_the_nearest_is_the_most_recent_of_those_with_the_fewest_differences(asker: Asker) -> None:
    near = asker.ask(chat(messages=turns("one", "two", "three")), CLAUDE)
    asker.ask(chat(messages=turns("one", "two", "three", "four", "five")))  # another client's
    nearer = asker.ask(chat(messages=turns("one", "two", "3")), CLAUDE)
    asker.ask(chat(messages=turns("x", "y", "z"), n=2), CLAUDE)
    told = asker.why(asker.ask(chat(messages=turns("one", "two", "drei")), CLAUDE))
    assert told.nearest == name_of(nearer) != name_of(near)
    assert [one.path for one in told.differences] == ["$.messages[2].content"]
    longer = asker.ask(chat(messages=turns("one", "two", "3", "ok", "more")), CLAUDE)
    assert [(one.path, one.kind) for one in asker.why(longer).differences] == [
        ("$.messages[3]", "added"),
        ("$.messages[4]", "added"),
    ]


def test_hits_did_not_miss(asker: Asker) -> None:
    asker.ask(chat())
    told = asker.why(asker.ask(chat()))
    assert "did not miss" in told.why
    assert told.differences == []


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (["Cache-Control: no-cache"], "asked for a fresh answer"),
        (["Cache-Control: max-age=0"], "older than its client accepts"),
        (["x-bypass-cache: 1"], "x-bypass-cache"),
    ],
)
def test_the_same_request_that_asked_for_more(asker: Asker, headers: list[str], said: str) -> None:
    first = asker.ask(chat())
    time.sleep(0.01)
    told = asker.why(asker.ask(chat(), *headers))
    assert said in told.why
    if "bypass" not in said:
        assert (told.same_key, told.nearest, told.differences) == (True, name_of(first), [])


def test_the_same_request_whose_answer_had_expired(asker: Asker) -> None:
    asker.ask(chat(), "x-cache-ttl: 1")
    time.sleep(1.1)
    told = asker.why(asker.ask(chat()))
    assert told.same_key
    assert "had expired" in told.why or "has gone" in told.why


def test_the_same_request_whose_answer_lacked_usage(upstream: ScriptedUpstream, asker: Asker) -> None:
    upstream.answers(Reply(headers=STREAM, body=stream("hi")))
    asker.ask(chat(stream=True))
    told = asker.why(asker.ask(chat(stream=True, stream_options={"include_usage": True})))
    assert told.same_key
    assert "lacks the token counts" in told.why


def test_the_same_request_that_was_never_stored(upstream: ScriptedUpstream, asker: Asker) -> None:
    asker.ask(chat("first"))  # so that there is a file
    cut = Reply(headers=STREAM, body=[event({"content": "0"}), Cut])
    filtered = Reply(headers=STREAM, body=[event({}, "content_filter"), b"data: [DONE]\n\n"])
    for reply, said in ((cut, "broke off"), (filtered, "not stored: content-filter"), (Reply(429), "status-429")):
        question = f"never {said}"
        upstream.answers(reply)
        before = asker.kept()
        earlier = asker.ask(chat(question, stream=True))
        eventually(lambda before=before: asker.kept() > before, "keeping the form")
        between = asker.kept()
        later = asker.ask(chat(question, stream=True))
        eventually(lambda between=between: asker.kept() > between, "keeping the form")
        told = asker.why(later)
        assert told.same_key
        assert told.nearest == name_of(earlier)
        assert said in told.why


def test_the_same_request_whose_answer_was_dropped(settings: Settings) -> None:
    with daemon(settings) as running:
        asker = Asker(running, settings.storage_path)
        asker.ask(chat())
    with closing(sqlite3.connect(asker.file)) as connection:
        connection.execute("DELETE FROM entries")
        connection.commit()
    with daemon(settings) as running:
        asker = Asker(running, settings.storage_path)
        told = asker.why(asker.ask(chat()))
    assert told.same_key
    assert "was stored, but has gone" in told.why


def test_forms_outlive_a_restart_and_their_parts_are_shared(settings: Settings) -> None:
    conversation = ["long " * 400, "answer " * 400]
    with daemon(settings) as running:
        asker = Asker(running, settings.storage_path)
        for number in range(5):
            last = asker.ask(chat(messages=turns(*conversation, *map(str, range(2 * number)), "?")))
    with daemon(settings) as running:
        asker = Asker(running, settings.storage_path)
        told = asker.why(asker.ask(chat(messages=turns(*conversation, *map(str, range(8)), "!"))))
        assert told.nearest == name_of(last)
        assert [one.path for one in told.differences] == ["$.messages[10].content"]
        shared = asker.rows("SELECT uses FROM parts ORDER BY uses DESC LIMIT 2")
        assert [uses for (uses,) in shared] == [12, 12]  # six entries and six forms


def test_only_the_last_are_kept_and_for_a_while(monkeypatch: pytest.MonkeyPatch, asker: Asker) -> None:
    monkeypatch.setattr(forms, "KEPT", 3)
    asked = [asker.ask(chat(f"Number {number}")) for number in range(5)]
    assert asker.kept_exchanges() == [name_of(one) for one in asked[2:]]
    assert "too long ago" in asker.why(asked[0]).why
    with closing(sqlite3.connect(asker.file, isolation_level=None)) as connection:
        forms.drop_old(connection, time.time() + forms.LIFETIME)
        assert connection.execute("SELECT count(*) FROM forms").fetchone() == (0,)
        # What the entries hold is still there, and nothing else.
        held = {part for (row,) in connection.execute("SELECT request FROM entries") for _, part in json.loads(row)}
        left = {digest.hex(): uses for digest, uses in connection.execute("SELECT hash, uses FROM parts")}
        assert left.keys() == held


def test_what_is_purged_is_not_kept_for_explanations(asker: Asker) -> None:
    one, other = asker.ask(chat("SECRET one")), asker.ask(chat("SECRET other"))
    purged = asker.do(calls.purge(Purge(ids=[asker.entry_of(one)])))
    assert asker.kept_exchanges() == [name_of(one), name_of(other)]  # it may still be undone
    asker.do(calls.empty_trash(purged.purge or ""))
    assert asker.kept_exchanges() == [name_of(other)]
    asker.do(calls.purge(Purge(everything=True)))
    assert asker.kept_exchanges() == []


def test_a_tenant_that_keeps_no_whole_requests_has_no_forms(settings: Settings) -> None:
    for keep in (KeepRequest.NONE, KeepRequest.QUESTION):
        with daemon(replace(settings, tenants={"default": Policy(keep_request=keep)})) as running:
            asker = Asker(running, settings.storage_path)
            with Wire(running.url) as wire:
                answers = [wire.ask(post(chat(f"{keep} {number}"), AS_DEFAULT)) for number in range(3)]
            assert "does not keep whole requests" in asker.why(answers[-1]).why
        assert len(asker.rows("SELECT * FROM entries")) >= 3  # all was written before it stopped
        assert asker.kept() == 0


@pytest.mark.parametrize("header", ["Cache-Control: no-store", "x-bypass-cache: 1", "x-cache-ttl: 0"])
def test_nothing_is_kept_of_what_must_not_be_stored(asker: Asker, header: str) -> None:
    asker.ask(chat("first"))
    with Wire(asker.running.url) as wire:
        answer = wire.ask(post(chat("SECRET"), AS_DEFAULT, header))
    told = asker.why(answer)
    assert "it asked for that" in told.why or "left out" in told.why
    later = asker.ask(chat("another"))  # what would have been kept would stand before this
    assert asker.kept_exchanges()[1:] == [name_of(later)]


def test_a_request_of_megabytes_is_explained(asker: Asker) -> None:
    tools = [{"type": "function", "function": {"name": f"f{n}", "description": "d" * 2000}} for n in range(500)]
    messages = turns(*(f"{number} " * 200 for number in range(1001)))
    asker.ask(chat(messages=messages, tools=tools))
    messages[500] = {**messages[500], "content": messages[500]["content"] + "!"}
    began = time.monotonic()
    told = asker.why(asker.ask(chat(messages=messages, tools=tools)))
    assert [one.path for one in told.differences] == ["$.messages[500].content"]
    assert len(told.differences[0].after or "") < 400
    assert time.monotonic() - began < 15
    other = asker.why(asker.ask(chat(messages=turns(*(f"other {n}" for n in range(1001))), tools=tools)))
    assert len(other.differences) == forms.TOLD
    assert other.more > 0


def test_the_command_prints_the_last_exchange_or_the_one_that_is_named(asker: Asker, settings: Settings) -> None:
    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reflexd_io.cli", "explain", "--storage-path", str(settings.storage_path)]
        return subprocess.run([*command, *args], capture_output=True, text=True, timeout=60, check=False)

    nothing = run()
    assert nothing.returncode == 1
    assert "nothing was asked yet" in nothing.stderr
    first = asker.ask(chat("What is\x1b[31m this?"))
    second = asker.ask(chat("What is that?"))
    told = run()
    assert told.returncode == 0, told.stderr
    assert name_of(second) in told.stdout
    assert "~ $.messages[0].content" in told.stdout
    assert "exact nothing" in told.stdout
    named = run(name_of(first))
    assert named.stdout.startswith(name_of(first))
    assert "\x1b" not in named.stdout
    both = json.loads(run("--json").stdout)
    assert both["exchange"]["row"]["id"] == name_of(second) == both["explained"]["exchange"]
    unknown = run("a-1")
    assert unknown.returncode == 1
    assert "too long ago" in unknown.stderr
