"""Export and import on real stores: what goes out comes in the same, and what is bad in a file costs nothing else."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reflexd_core.policy import KeepRequest
from reflexd_core.request import Form
from reflexd_io.catalogue import moving
from reflexd_io.catalogue.browsing import Listing
from reflexd_io.catalogue.changing import Change
from reflexd_io.catalogue.moving import Account, Moving
from reflexd_io.store import writer
from reflexd_io.store.filters import ANY, Filter
from reflexd_io.tenants.changes import why_closed
from reflexd_io.tenants.document import Document, KeptTenant
from support.entries import MODEL, SCOPE, Opened, alias, key_of, name_of, opened, record, rows, vector_of

pytestmark = pytest.mark.anyio

TENANTS = Document(
    tenants={name: KeptTenant(name=name) for name in ("default", "work", "other")}
    | {"gone": KeptTenant(name="gone", removed=True)}
)


async def _export(catalogue: Opened, tenant: str | None = None, wanted: Filter = ANY) -> bytes:
    return b"".join([piece async for piece in _moving(catalogue).export(tenant, wanted)])


def _moving(catalogue: Opened, keep: KeepRequest = KeepRequest.FULL) -> Moving:
    def closed(tenant: str) -> str | None:
        return why_closed(TENANTS, tenant)

    return Moving(catalogue.shelves, closed=closed, keeps=lambda _: keep)


async def _import(
    catalogue: Opened,
    data: bytes,
    *,
    tenant: str | None = None,
    overwrite: bool = False,
    piece: int = 1000,
    keep: KeepRequest = KeepRequest.FULL,
) -> Account:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    return await _moving(catalogue, keep).take_in(pieces(), tenant=tenant, overwrite=overwrite)


async def _filled(catalogue: Opened) -> None:
    await catalogue.put(
        record(1, meaning=True, question="How do I centre a div?"), record(2, said="Zürich 🙂\n\u2028")
    )
    await catalogue.put(record(3, expires=time.time() + 1e6), record(4), tenant="work")
    stream = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    streamed = record(5, form=Form.STREAM)
    await catalogue.put(replace(streamed, answer=replace(streamed.answer, recorded=stream)), tenant="work")
    await catalogue.put(replace(record(6), request=b"not JSON"), tenant="work")
    assert await catalogue.store.promote("default", alias(11, 1, "centre a div, how?"))
    await catalogue.changing.change(name_of(3), Change(pinned=True))
    catalogue.store.touch("default", key_of(2))


async def test_what_goes_out_comes_in_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TICK", 0.05)
    async with opened(tmp_path / "a") as catalogue:
        await _filled(catalogue)
        while rows(tmp_path / "a", "SELECT count(*) FROM uses") != [(1,)]:
            await catalogue.store.change("default", lambda _: None)
        out = await _export(catalogue)
        only = await _export(catalogue, "work", Filter(pinned=True))
    assert [json.loads(line)["tenant"] for line in out.splitlines()] == ["default"] * 2 + ["work"] * 4
    assert [json.loads(line)["key"] for line in only.splitlines()] == [key_of(3).hex()]
    for secret in (b"authorization", b"api-key", b"cookie"):
        assert secret not in out.lower()
    async with opened(tmp_path / "b") as catalogue:
        account = await _import(catalogue, out, piece=7)
        assert (account.stored, account.skipped, account.bad) == (6, 0, [])
        assert await _export(catalogue) == out
        aliased = await catalogue.store.get("default", key_of(11))
        assert aliased is not None
        assert aliased.pairing is not None
        # Its vector is made anew, by the models that are here.
        (waiting,) = await catalogue.store.unembedded("default", MODEL, 10)
        assert waiting.key == key_of(1)
        await catalogue.store.embed_later("default", {key_of(1): vector_of(1)}, MODEL)
        near = await catalogue.store.nearest("default", SCOPE, vector_of(1), 1, model=MODEL, form="")
        assert [found.key for found in near] == [key_of(1)]
        assert (await _import(catalogue, out)).skipped == 6


async def test_what_is_named_goes_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_AT_ONCE", 2)
    async with opened(tmp_path / "a") as catalogue:
        await catalogue.put(*map(record, range(10)))
        await catalogue.put(record(20), record(21, model="gpt-5"), tenant="work")
        chosen = [7, 2, 9, 4, 2, 20, 21, 99]

        async def named(numbers: list[int], tenant: str | None = None, wanted: Filter = ANY) -> list[str]:
            pieces = _moving(catalogue).export(tenant, wanted, [key_of(number)[:16] for number in numbers])
            return [json.loads(line)["key"] for line in b"".join([piece async for piece in pieces]).splitlines()]

        assert await named(chosen) == [key_of(number).hex() for number in (2, 4, 7, 9, 20, 21)]
        assert await named(chosen, "work", Filter(model="gpt-5")) == [key_of(21).hex()]
        assert await named([]) == []


async def test_nothing_newer_is_overwritten_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1, said="Old.", created=100.0), record(2, said="Old.", created=100.0))
        old = await _export(catalogue)
        await catalogue.put(record(1, said="New.", created=200.0))
        await catalogue.changing.change(name_of(1), Change(pinned=True))
        catalogue.memory.put(key_of(1), record(1).answer, "default")
        assert (await _import(catalogue, old)).skipped == 2
        kept = await catalogue.store.get("default", key_of(1))
        assert kept is not None
        assert b"New." in kept.recorded
        assert (await _import(catalogue, old, overwrite=True)).stored == 2
        assert catalogue.memory.get(key_of(1)) is None
        given = await catalogue.store.get("default", key_of(1))
        assert given is not None
        assert b"Old." in given.recorded
        assert rows(tmp_path, "SELECT pinned FROM entries ORDER BY created, key") != [(0,), (0,)]
        newer = old.replace(b"Old.", b"Newest.").replace(b'"created":100.0', b'"created":300.0')
        assert (await _import(catalogue, newer)).stored == 2


WORDING = {"key": "1" * 64, "question": "?", "model": "m", "reason": "verified", "at": 1.0}


def _changed(line: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(line), **changes}).encode()


async def test_bad_lines_are_told_and_cost_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "LONGEST", 20_000)
    async with opened(tmp_path / "a") as catalogue:
        await catalogue.put(record(1))
        line = (await _export(catalogue)).strip()
    error = json.dumps({"error": {"message": "no"}})
    lines = {
        b"{": "",
        b'"text"': "",
        b"\xff\xfe": "",
        _changed(line, reflex_entry=2, more=1): "it is of format 2",
        _changed(line, reflex_entry=0): "it is of format 0",
        _changed(line, surprise=1): "surprise",
        _changed(line, tenant="../x"): "not a tenant's name",
        _changed(line, key="zz"): "64 hexadecimal",
        _changed(line, dialect="morse"): "no dialect 'morse'",
        _changed(line, answer=error): "not one to be stored",
        _changed(line, answer=None): "either answer or answer_base64",
        _changed(line, answer=None, answer_base64="?"): "answer_base64 is none",
        _changed(line, request=[1]): "no JSON object",
        _changed(line, expires=5.0): "its time is over",
        _changed(line, meaning={"scope": "00", "question": "?"}): "32 bytes",
        _changed(line, uses={"today": 1}): "no day",
        _changed(line, headers=[["x", "\u20ac"]]): "no header can",
        b"x" * 30_000: "longer than 20000 bytes",
        _changed(line, headers=[["content-type", "a\r\nx: y"]]): "no header can",
        _changed(line, headers=[["content-type", "a\0"]]): "no header can",
        _changed(line, hits=-1): "`$.hits`",
        _changed(line, hits=2**63): "`$.hits`",
        _changed(line, usage={"input": 2**63, "output": 1}): "`$.usage.input`",
        _changed(line, usage={"input": 1, "output": -1}): "`$.usage.output`",
        _changed(line, uses={"20000": 2**63}): "`$.uses",
        _changed(line, created=1e300): "`$.created`",
        _changed(line, used=-1.0): "`$.used`",
        _changed(line, expires=1e300): "`$.expires`",
        _changed(line, meaning={"scope": "ab" * 32, "question": "?", "expires": 1e300}): "`$.meaning.expires`",
        _changed(line, wordings=[{**WORDING, "score": 2.0}]): "score`",
        _changed(line, wordings=[{**WORDING, "at": -1.0}]): "at`",
        _changed(line, tenant="nobody"): "no tenant 'nobody' here",
        _changed(line, tenant="DEFAULT"): "no tenant 'DEFAULT' here",
        _changed(line, tenant="con"): "no tenant 'con' here",
        _changed(line, tenant="gone"): "was removed",
        _changed(line, tenant="anon-evil"): "no provider key's own tenant",
        line.replace(b'"request":', b'"request":' + b"[" * 8000 + b"]" * 8000 + b',"x":'): "recursion",
    }
    data = b"\n".join([*lines, b"", b"  ", line]) + b"\n"
    async with opened(tmp_path / "b") as catalogue:
        account = await _import(catalogue, data)
        assert (account.stored, account.bad_count) == (1, len(lines))
        by_number = {int(bad.split(":")[0].removeprefix("line ")): bad for bad in account.bad}
        for number, said in enumerate(lines.values(), 1):
            assert said in by_number[number]
        assert (await catalogue.browsing.total(Listing())).entries == 1


async def test_only_what_may_be_replayed_comes_in_with_the_headers(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as catalogue:
        await catalogue.put(record(1))
        line = (await _export(catalogue)).strip()
    given = _changed(line, headers=[["Set-Cookie", "a=b"], ["Content-Type", "application/json"]], tenant="other")
    async with opened(tmp_path / "b") as catalogue:
        assert (await _import(catalogue, given, tenant="default")).skipped == 1
        assert (await _import(catalogue, given, tenant="other")).stored == 1
        found = await catalogue.store.get("other", key_of(1))
        assert found is not None
        assert found.headers == [(b"content-type", b"application/json")]


async def test_nothing_comes_in_from_after_now(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as catalogue:
        await catalogue.put(record(1))
        line = (await _export(catalogue)).strip()
    later = time.time() + 86_400.0
    async with opened(tmp_path / "b") as catalogue:
        anonymous = "anon-" + "0f" * 16
        given = _changed(line, created=later, used=later, tenant=anonymous)
        assert (await _import(catalogue, given)).stored == 1
        (row,) = rows(tmp_path / "b", "SELECT created, used FROM entries", anonymous)
        assert max(row) < later - 80_000


@pytest.mark.parametrize("keep", KeepRequest)
async def test_as_much_of_a_request_comes_in_as_the_tenant_keeps_of_its_own(
    tmp_path: Path, keep: KeepRequest
) -> None:
    async with opened(tmp_path / "a") as catalogue:
        await catalogue.put(record(1, meaning=True, question="How do I feed a quokka?", said="Leaves."))
        assert await catalogue.store.promote("default", alias(11, 1, "quokka, what food?"))
        out = await _export(catalogue)
    bare = _changed(out, request=None)
    for number, given in enumerate((out, bare)):
        folder = tmp_path / str(number)
        async with opened(folder) as catalogue:
            assert (await _import(catalogue, given, keep=keep)).stored == 1
            assert await catalogue.is_stored(1)
            back = json.loads(await _export(catalogue))
        assert (back["question"] != "") is (keep is not KeepRequest.NONE)
        assert (back["request"] is not None) is (keep is KeepRequest.FULL and given is out)
        assert (back["meaning"] is not None, len(back["wordings"])) == (
            (False, 0) if keep is KeepRequest.NONE else (True, 1)
        )
        assert ("quokka" in json.dumps(back)) is (keep is not KeepRequest.NONE)
