"""The control API's part about entries, against the real daemon: what it says, and that the next request obeys."""

import errno
import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import msgspec
import pytest

from reflexd_io import app, exact, serving
from reflexd_io.control_client import BlockingClient, Place, Refused, calls
from reflexd_io.control_client.shapes.entries import EntryChange, EntryFilter, EntryQuery, ExportQuery, Purge
from reflexd_io.control_client.shapes.exchanges import ExchangeQuery
from reflexd_io.runtime import Runtime
from reflexd_io.store import Store, files
from support.chat import answer
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream, Seen
from support.wire import KEY, Wire, chat, eventually, post


class Asker:
    """Asks the daemon and its control API."""

    def __init__(self, running: Runtime) -> None:
        self.url = running.url
        self.client = BlockingClient(Place(running.url, running.admin_token))
        self.headers: dict[str, str] = {}

    def ask(self, question: str, **fields: Any) -> str:
        """The status that is told."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": question}], **fields})
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **self.headers}
        try:
            connection.request("POST", "/v1/chat/completions", body, headers)
            reply = connection.getresponse()
            reply.read()
            return reply.headers["X-Reflex-Status"]
        finally:
            connection.close()

    def learn(self, *questions: str) -> None:
        """Ask, and wait until all is on disk."""
        stored = len(self.items())
        for question in questions:
            assert self.ask(question) == "miss"
        until = time.monotonic() + 60
        while len(self.items()) < stored + len(questions):
            assert time.monotonic() < until
            time.sleep(0.02)

    def items(self, **query: Any) -> list[Any]:
        return self.client.do(calls.list_entries(EntryQuery(**query))).items


@pytest.fixture
def asker(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Asker]:
    upstream.script = answer
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running:
        yield Asker(running)


def test_entries_are_listed_searched_and_looked_at(asker: Asker) -> None:
    asker.learn("How do I centre a div?", "How do I sort a list?", "What is 2 + 2?")
    assert asker.ask("What is 2 + 2?") == "hit-l1-exact"
    page = asker.client.do(calls.list_entries(EntryQuery(limit=2)))
    assert [item.question for item in page.items] == ["What is 2 + 2?", "How do I sort a list?"]
    assert (page.total, page.at_least) == (3, None)
    rest = asker.client.do(calls.list_entries(EntryQuery(limit=2, cursor=page.next)))
    assert ([item.question for item in rest.items], rest.next) == (["How do I centre a div?"], None)
    (found,) = asker.items(text='"sort a" list -div')
    detail = asker.client.do(calls.entry(found.id))
    assert detail.row == found
    assert detail.question == "How do I sort a list?"
    assert "Grüezi" in detail.answer_text
    assert json.loads(bytes(detail.request))["messages"][0]["content"] == "How do I sort a list?"
    assert detail.body_size == found.size
    assert (detail.stream_size or 0) > 0
    assert ("content-type", "application/json") in detail.headers


@pytest.mark.parametrize(
    ("query", "code", "at"),
    [
        ({"text": 'how "do I'}, "unclear", 4),
        ({"text": "-div"}, "unclear", 0),
        ({"cursor": "%%"}, "unclear", None),
        ({"limit": 0}, "bad_query", None),
        ({"limit": 501}, "bad_query", None),
    ],
)
def test_a_query_that_cannot_be_understood_says_where(
    asker: Asker, query: dict[str, Any], code: str, at: int | None
) -> None:
    with pytest.raises(Refused) as refused:
        asker.items(**query)
    assert (refused.value.status, refused.value.code, refused.value.at) == (400, code, at)


def test_after_a_purge_the_next_request_is_a_miss_and_after_the_undo_a_hit(asker: Asker) -> None:
    asker.learn("one", "two", "three")
    assert {asker.ask(text) for text in ("one", "two", "three")} == {"hit-l1-exact"}
    counted = asker.client.do(calls.purge(Purge(filter=EntryFilter(text="one"), dry_run=True)))
    assert (counted.count, counted.purge, [row.question for row in counted.examples]) == (1, None, ["one"])
    assert asker.ask("one") == "hit-l1-exact"  # nothing was done yet
    purged = asker.client.do(calls.purge(Purge(filter=EntryFilter(text="one"), confirm=counted.confirm)))
    assert (purged.count, purged.gone) == (1, 0)
    assert [item.question for item in asker.items()] == ["three", "two"]
    (thrown,) = asker.client.do(calls.trash()).items
    assert (thrown.purge, thrown.count, thrown.finished) == (purged.purge, 1, True)
    assert thrown.undo_until - thrown.at == 600
    assert asker.client.do(calls.restore(purged.purge or "")).count == 1
    assert asker.ask("one") == "hit-l1-exact"
    with pytest.raises(Refused, match="undone or dropped") as refused:
        asker.client.do(calls.restore(purged.purge or ""))
    assert refused.value.status == 404

    all_of_it = asker.client.do(calls.purge(Purge(everything=True)))
    assert all_of_it.count == 3
    assert asker.ask("two") == "miss"  # and is stored anew
    assert asker.client.do(calls.empty_trash(all_of_it.purge or "")).message.startswith("3 ")
    assert asker.client.do(calls.trash()).items == []


def test_entries_are_found_and_purged_by_their_tier(asker: Asker) -> None:
    asker.learn("How do I sort a list?", "What is the latest version of Python?")
    exact, semantic = (asker.items(tier=tier) for tier in ("exact", "semantic"))
    assert [(row.question, row.exact_only) for row in exact] == [("What is the latest version of Python?", True)]
    assert [(row.question, row.exact_only) for row in semantic] == [("How do I sort a list?", False)]
    purged = asker.client.do(calls.purge(Purge(filter=EntryFilter(tier="exact"))))
    assert purged.count == 1
    (thrown,) = asker.client.do(calls.trash()).items
    assert thrown.what == "tier exact of all tenants"
    assert [row.question for row in asker.items()] == ["How do I sort a list?"]


def test_a_models_name_finds_and_purges_its_dated_versions(asker: Asker) -> None:
    asker.learn("one", "two")  # the answers name it with its date
    assert {row.model for row in asker.items(model="gpt-4o")} == {"gpt-4o-2024-08-06"}
    assert len(asker.items(model="gpt-4o")) == len(asker.items(model="gpt-4o-2024-08-06")) == 2
    assert asker.items(model="gpt-4o-mini") == asker.items(model="gpt-4") == []
    counted = asker.client.do(calls.purge(Purge(filter=EntryFilter(model="gpt-4o"), dry_run=True)))
    purged = asker.client.do(calls.purge(Purge(filter=EntryFilter(model="gpt-4o"), confirm=counted.confirm)))
    assert (counted.count, purged.count, purged.gone) == (2, 2, 0)
    assert asker.items() == []


def test_a_part_of_a_sentence_without_spaces_finds_it(asker: Asker) -> None:
    asker.learn("日本語の文章を検索する方法は?", "如何居中一个div?")
    (item,) = asker.items(text="検索")
    assert item.question == "日本語の文章を検索する方法は?"
    assert asker.client.do(calls.entry(item.id)).question == item.question
    assert [row.question for row in asker.items(text="居中 div")] == ["如何居中一个div?"]
    assert asker.items(text="索検") == []
    purged = asker.client.do(calls.purge(Purge(filter=EntryFilter(text="文章 -居中"))))
    assert (purged.count, len(asker.items())) == (1, 1)


def test_everything_of_one_tenant_goes_for_good(asker: Asker) -> None:
    asker.learn("one", "two", "three")
    asker.client.do(calls.purge(Purge(filter=EntryFilter(text="one"))))
    asker.client.do(calls.add_tenant("work"))
    asker.headers = {"x-reflex-tenant": "work"}
    asker.learn("theirs")
    (mine,) = {row.tenant for row in asker.items() if row.question == "two"}
    assert asker.client.do(calls.empty_tenant(mine)).message == "2 entries were removed for good."
    assert [row.question for row in asker.items()] == ["theirs"]
    assert asker.client.do(calls.trash()).items == []
    assert asker.ask("theirs") == "hit-l1-exact"
    asker.headers = {}
    assert asker.ask("two") == "miss"
    assert asker.ask("two") == "hit-l1-exact"
    with pytest.raises(Refused, match="no tenant 'nobody'") as refused:
        asker.client.do(calls.empty_tenant("nobody"))
    assert refused.value.status == 404
    assert asker.client.do(calls.empty_tenant("anon-..%2f..%2fx")).message.startswith("0 entries")


def test_an_unknown_tier_is_told_with_those_there_are(asker: Asker) -> None:
    unknown: dict[str, Any] = {"tier": "l1"}
    (export,) = calls.export_targets(ExportQuery(**unknown))
    for ask in (
        lambda: asker.items(**unknown),
        lambda: asker.client.do(calls.purge(Purge(filter=EntryFilter(**unknown), everything=True))),
        lambda: list(asker.client.download(export)),
    ):
        with pytest.raises(Refused, match="tier='l1': expected exact or semantic") as refused:
            ask()
        assert refused.value.status == 400


def test_a_purge_of_everything_must_say_so(asker: Asker) -> None:
    for what in (Purge(), Purge(filter=EntryFilter()), Purge(filter=EntryFilter(text="  "))):
        with pytest.raises(Refused, match="everything") as refused:
            asker.client.do(calls.purge(what))
        assert refused.value.status == 400
    with pytest.raises(Refused, match="no entry's id"):
        asker.client.do(calls.purge(Purge(ids=["x"])))
    with pytest.raises(Refused, match="dry run") as refused:
        asker.client.do(calls.purge(Purge(everything=True, confirm="0" * 16)))
    assert refused.value.status == 409


def test_an_answer_under_way_does_not_bring_back_what_was_purged(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow(seen: Seen) -> Reply:
        reply = answer(seen)
        if b"slow" in seen.body:
            assert isinstance(reply.body, bytes)
            return Reply(body=[reply.body[:10], go_on, reply.body[10:]])
        return reply

    upstream.script = slow
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running:
        asker = Asker(running)
        told: list[str] = []
        asking = threading.Thread(target=lambda: told.append(asker.ask("slow")))
        asking.start()
        until = time.monotonic() + 60
        while not upstream.seen:
            assert time.monotonic() < until
            time.sleep(0.01)
        asker.learn("quick")
        asker.client.do(calls.purge(Purge(everything=True)))
        go_on.set()
        asking.join(10)
        assert told == ["miss"]
        time.sleep(0.3)
        assert asker.items() == []
        assert asker.ask("slow") == "miss"
        assert asker.ask("slow") == "hit-l1-exact"


@pytest.mark.parametrize("tenant", [None, "default"])
def test_a_body_that_is_still_being_read_does_not_bring_back_what_was_purged(
    tenant: str | None, upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    read = serving.read

    def slowly(*work: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return read(*work)

    monkeypatch.setattr(serving, "read", slowly)
    monkeypatch.setattr(serving, "THREAD_LIMIT", 0)
    upstream.script = answer
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running:
        asker = Asker(running)
        asker.headers = {"x-reflex-tenant": "default"}
        told: list[str] = []
        asking = threading.Thread(target=lambda: told.append(asker.ask("slow")))
        asking.start()
        assert begun.wait(10)
        asker.client.do(calls.purge(Purge(filter=EntryFilter(tenant=tenant), everything=True)))
        go_on.set()
        asking.join(10)
        assert told == ["miss"]
        assert asker.ask("slow") == "miss"
        assert asker.ask("slow") == "hit-l1-exact"


def test_a_body_that_is_still_coming_does_not_bring_back_what_was_purged(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.script = answer
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running, Wire(running.url) as wire:
        asker = Asker(running)
        sent = post(chat("coming"), f"Authorization: Bearer {KEY}", "Expect: 100-continue")
        head, _, body = sent.partition(b"\r\n\r\n")
        wire.send(head + b"\r\n\r\n")
        assert wire.socket.recv(25) == b"HTTP/1.1 100 \r\n\r\n"  # the request has arrived, its body has not
        asker.client.do(calls.purge(Purge(everything=True)))
        assert wire.ask(body).told == "miss"
        assert wire.ask(post(chat("coming"), f"Authorization: Bearer {KEY}")).told == "miss"
        assert wire.ask(post(chat("coming"), f"Authorization: Bearer {KEY}")).told == "hit-l1-exact"


def test_what_explains_a_request_under_way_is_purged_with_the_rest(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    go_on = threading.Event()

    def slow(seen: Seen) -> Reply:
        reply = answer(seen)
        if b"slow" in seen.body:
            assert isinstance(reply.body, bytes)
            return Reply(body=[reply.body[:10], go_on, reply.body[10:]])
        return reply

    upstream.script = slow
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running:
        asker = Asker(running)
        asking = threading.Thread(target=asker.ask, args=["slow and secret"])
        asking.start()
        eventually(lambda: upstream.seen, "the call")
        asker.learn("quick")
        asker.client.do(calls.purge(Purge(everything=True)))
        go_on.set()
        asking.join(10)
    (file,) = (tmp_path / "storage" / "tenants").glob("*.sqlite3")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM forms").fetchone() == (0,)


def test_a_removal_that_was_cut_short_is_ended_by_the_next_start(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.script = answer
    settings = settings_for(tmp_path / "storage", upstream.url)
    left = tmp_path / "storage" / "tenants" / "job.sqlite3"
    remove = files.remove

    def fail(folder: Path, tenant: str) -> None:
        raise PermissionError(errno.EACCES, "held by another program", str(folder / tenant))

    def as_job(running: Runtime) -> Asker:
        asker = Asker(running)
        asker.headers = {"x-reflex-tenant": "job"}
        return asker

    monkeypatch.setattr(files, "remove", fail)
    with daemon(settings) as running:
        asker = as_job(running)
        asker.client.do(calls.add_tenant("job"))
        asker.learn("one")
        with pytest.raises(Refused, match="held by another program"):
            asker.client.do(calls.remove_tenant("job"))
    with daemon(settings) as running:  # which starts, though it cannot be ended yet
        assert left.exists()
        assert as_job(running).client.do(calls.add_tenant("job")).name == "job"
        assert as_job(running).ask("one") == "miss"
    monkeypatch.setattr(files, "remove", remove)
    with daemon(settings) as running:
        assert not left.exists()
        assert as_job(running).ask("one") == "hit-l1-exact"  # its own, of another file


def test_what_a_removed_tenant_asked_is_shown_to_nobody(asker: Asker) -> None:
    asker.client.do(calls.add_tenant("job"))
    asker.headers = {"x-reflex-tenant": "job"}
    asker.learn("a secret")
    assert asker.ask("a secret") == "hit-l1-exact"
    (miss, hit) = (row.id for row in asker.client.do(calls.list_exchanges(ExchangeQuery(tenant="job"))).items)
    assert asker.ask("a secret") == "hit-l1-exact"  # which nobody has looked at
    asker.client.do(calls.remove_tenant("job"))
    asker.client.do(calls.add_tenant("job"))
    assert asker.ask("mine") == "miss"
    shown = asker.client.do(calls.list_exchanges(ExchangeQuery())).items
    assert [(row.tenant, row.question) for row in shown] == [("job", "mine")]
    for name in (miss, hit):
        with pytest.raises(Refused) as refused:
            asker.client.do(calls.exchange(name))
        assert refused.value.status == 404


def test_pinning_and_lifetimes(asker: Asker) -> None:
    asker.learn("one", "two")
    two, one = asker.items()
    assert asker.client.do(calls.change_entry(one.id, EntryChange(pinned=True))).pinned
    assert [item.id for item in asker.items(pinned=True)] == [one.id]
    changed = asker.client.do(calls.change_entry(two.id, EntryChange(expires_in=0.2)))
    assert 0 < (changed.expires or 0) - time.time() <= 0.2
    time.sleep(0.25)
    assert asker.ask("two") == "miss"
    assert asker.ask("one") == "hit-l1-exact"
    pinned = asker.client.do(calls.change_entry(one.id, EntryChange(expires_in=100)))
    assert pinned.expires is None
    assert pinned.expires_unpinned is not None
    forever = asker.client.do(calls.change_entry(one.id, EntryChange(expires_in=None, pinned=False)))
    assert (forever.pinned, forever.expires) == (False, None)
    for seconds in (0, -1, 1e12):
        with pytest.raises(Refused, match="expires_in"):
            asker.client.do(calls.change_entry(one.id, EntryChange(expires_in=seconds)))
    with pytest.raises(Refused) as refused:
        asker.client.do(calls.change_entry("0" * 32, EntryChange(pinned=True)))
    assert refused.value.status == 404


def test_what_is_told_can_be_read_as_json(asker: Asker) -> None:
    asker.learn("one")
    (item,) = asker.items()
    status, body = asker.client.send("GET", f"/admin/entries/{item.id}")
    assert status == 200
    assert msgspec.json.decode(body)["row"]["id"] == item.id
    assert asker.client.send("GET", "/admin/entries?sort=nothing")[0] == 400
    assert asker.client.send("POST", "/admin/purge", b'{"dry": true}')[0] == 400


def test_a_lookup_that_read_the_disk_before_a_purge_does_not_bring_it_back(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.script = answer
    settings = settings_for(tmp_path / "storage", upstream.url)
    with daemon(settings) as running:
        Asker(running).learn("one")
    monkeypatch.setattr(app, "WARM", 0)
    monkeypatch.setattr(exact, "LOOKUP_TIMEOUT", 20.0)
    read, go_on = threading.Event(), threading.Event()
    get = Store.get

    async def slow(store: Store, tenant: str, key: bytes) -> Any:
        found = await get(store, tenant, key)
        read.set()
        await anyio.to_thread.run_sync(go_on.wait, 10)
        return found

    monkeypatch.setattr(Store, "get", slow)
    with daemon(settings) as running:
        asker = Asker(running)
        told: list[str] = []
        asking = threading.Thread(target=lambda: told.append(asker.ask("one")))
        asking.start()
        assert read.wait(10)
        assert asker.client.do(calls.purge(Purge(everything=True))).count == 1
        go_on.set()
        asking.join(10)
        assert told == ["miss"]  # it came before the purge, so its fresh answer is not kept either
        assert asker.ask("one") == "miss"
        assert asker.ask("one") == "hit-l1-exact"


def test_tenants_are_called_what_people_call_them(asker: Asker) -> None:
    asker.learn("mine")
    asker.client.do(calls.add_tenant("work"))
    asker.headers = {"x-reflex-tenant": "work"}
    asker.learn("theirs")
    asker.client.do(calls.rename_tenant("work", "job"))
    (item,) = asker.items(tenant="job")
    assert (item.tenant, item.question) == ("job", "theirs")
    assert asker.client.do(calls.entry(item.id)).row.tenant == "job"
    purged = asker.client.do(calls.purge(Purge(filter=EntryFilter(tenant="job"))))
    assert (purged.count, purged.tenants) == (1, {"job": 1})
    (thrown,) = asker.client.do(calls.trash()).items
    assert (thrown.what, thrown.tenants) == ("everything of tenant job", {"job": 1})
    assert [item.question for item in asker.items()] == ["mine"]
    for ask in (
        calls.list_entries(EntryQuery(tenant="nobody")),
        calls.purge(Purge(filter=EntryFilter(tenant="nobody"), dry_run=True)),
    ):
        with pytest.raises(Refused, match="no tenant 'nobody'") as refused:
            asker.client.do(ask)
        assert refused.value.status == 404
