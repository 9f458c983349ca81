"""The TUI before the real daemon: orders, an export that comes in again, one tenant paused, a wrong answer."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from reflexd_io.control_client import BlockingClient, calls
from reflexd_io.control_client.shapes.entries import EntryQuery, ImportQuery, Purge
from reflexd_tui.screens.exchange import ExchangeScreen
from reflexd_tui.views.entry_table import SORTED
from reflexd_tui.views.live import LiveView
from reflexd_tui.views.tenants import TenantsView
from support.models import needs_models
from support.real import Real, stored
from support.terminal import banner, press, settle, toasts, until, until_stored

pytestmark = pytest.mark.anyio
Opened = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
SLOW = 60.0
"""Seconds within which models are loaded, on a busy machine."""
DIV = "How do I center a div horizontally in CSS?"
DIV_IN_OTHER_WORDS = "css: what's the way to centre a div horizontally"


async def test_every_order_is_the_real_daemons_too(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        for question, model in (("banana?", "gpt-4o"), ("Apple?", "gpt-5"), ("cherry?", "gpt-4o")):
            await real.ask(question, model=model)
        view = await until_stored(pilot, 3)
        for place, column in enumerate(SORTED, 1):
            await press(pilot, "s", str(place))
            await until(pilot, lambda key=column.key: (view.rows.sorted_by or ("",))[0] == key)
            assert len(view.pages.rows) == 3
        assert [row.question for row in view.pages.rows] == ["Apple?", "banana?", "cherry?"]
        assert not toasts(pilot)


async def test_a_search_by_tier_is_the_real_daemons_too(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        for question in ("How do I sort a list?", "What is the latest version of Python?"):
            await real.ask(question)
        view = await until_stored(pilot, 2)
        for tier, question in (
            ("semantic", "How do I sort a list?"),
            ("exact", "What is the latest version of Python?"),
        ):
            await press(pilot, "slash", "ctrl+u", *f"tier:{tier}", "enter")
            await until(pilot, lambda told=question: [row.question for row in view.pages.rows] == [told])
        assert not toasts(pilot)


async def test_an_exported_selection_is_imported_again(real_opened: Opened, real: Real, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    async with real_opened() as pilot:
        view = await stored(pilot, real, 4)
        await press(pilot, "space", "space", "x")
        chosen = set(view.pages.marked)
        questions = {row.question for row in view.pages.rows if row.id in chosen}
        pilot.app.screen.query_one(Input).value = str(out)
        await press(pilot, "enter")
        await until(pilot, lambda: "2 entries written" in toasts(pilot))
        await real.do(calls.purge(Purge(everything=True)))
        client = BlockingClient(real.place())
        taken = client.upload(calls.import_entries(ImportQuery()), [out.read_bytes()], "application/jsonl")
        assert (taken.stored, taken.bad) == (2, [])
        back = (await real.do(calls.list_entries(EntryQuery()))).items
        assert {row.id for row in back} == chosen
        await until(pilot, lambda: {row.id for row in view.pages.rows} == chosen)
        for question in questions:
            assert (await real.ask(question))["x-reflex-status"] == "hit-l1-exact"


async def test_one_tenant_is_paused_and_the_others_are_not(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await real.ask("twice")
        await real.do(calls.add_tenant("play"))
        view = pilot.app.screen_stack[0].query_one(TenantsView)
        await press(pilot, "3")
        await until(pilot, lambda: [row.name for row in view._tenants] == ["default", "play"])
        await press(pilot, "j", "c")
        await until(pilot, lambda: view._tenants[1].paused_until is not None)
        assert "Requests of play are passed through" in toasts(pilot)
        assert (await real.ask("twice"))["x-reflex-status"] == "hit-l1-exact"
        await press(pilot, "k", "c")
        await until(pilot, lambda: view._tenants[0].paused_until is not None)
        assert (await real.ask("twice"))["x-reflex-status"] == "bypass"
        await until(pilot, lambda: "passing through" in banner(pilot))
        await press(pilot, "p")  # the active tenant's own pause is what keeps it from being answered
        await until(pilot, lambda: "Caching again" in toasts(pilot))
        assert (await real.ask("twice"))["x-reflex-status"] == "hit-l1-exact"
        await until(pilot, lambda: view._tenants[0].paused_until is None)
        await press(pilot, "c")
        await until(pilot, lambda: view._tenants[0].paused_until is not None)
        await press(pilot, "c")
        await until(pilot, lambda: view._tenants[0].paused_until is None)
        assert "default is answered from its cache again" in toasts(pilot)
        assert (await real.ask("twice"))["x-reflex-status"] == "hit-l1-exact"
        await press(pilot, "j", "p", "c")
        await until(pilot, lambda: "everything is: p resumes" in toasts(pilot))


@needs_models
@pytest.mark.parametrize("inference", ["cpu"])
async def test_a_wrong_answer_ends_its_pairing_and_an_undo_brings_it_back(real_opened: Opened, real: Real) -> None:
    """With the models that ship: the answer by meaning, the key, the next request, the undo, the request after it."""
    await real.do(calls.change_policy("default", {"audit_share": 0}))
    async with real_opened() as pilot:
        live = pilot.app.query_one(LiveView)
        await real.ask(DIV)
        await until_stored(pilot, 1)
        await press(pilot, "1")

        async def status(**headers: str) -> str:
            return (await real.ask(DIV_IN_OTHER_WORDS, headers=headers))["x-reflex-status"]

        for _ in range(int(SLOW)):  # until the question's vector is there
            if await status(Cache_Control="no-store") == "hit-l3-verified":
                break
            await settle(pilot)
        else:
            raise AssertionError("the other wording is not answered")
        await until(pilot, lambda: live.feed.row(len(live.feed) - 1).status == "hit-l3-verified")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ExchangeScreen)
        await press(pilot, "w")
        await until(pilot, lambda: "never answered with that entry again" in toasts(pilot))
        assert await status(Cache_Control="no-store") == "miss"
        await press(pilot, "u")
        await until(pilot, lambda: "The pairing holds again" in toasts(pilot))
        assert await status(Cache_Control="no-store") == "hit-l3-verified"
