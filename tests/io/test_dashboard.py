"""The dashboard: the page in a real headless Chromium.

``REFLEX_PICTURES=folder`` keeps what the browser saw, for people to look at.
"""

import http.client
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reflexd_io.runtime import Runtime
from support.asking import answer, chat, control
from support.chromium import Chromium, chromium
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

INSIDE = "(one) => one.getBoundingClientRect().right <= innerWidth"
STRANGE = "who am I <img src=x onerror=alert(1)> \u202egnp.exe"


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Runtime]:
    upstream.answers(Reply(body=answer()))
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running:
        yield running


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    with chromium(tmp_path) as page:
        page.look()
        yield page
        assert page.problems == []


def enter(browser: Chromium, reflex: Runtime) -> None:
    browser.visit(control(reflex, "/admin/dashboard/code", {})["url"])
    browser.until("!document.getElementById('page').hidden && document.querySelector('.first-steps, .figures')")


def keep(browser: Chromium, name: str) -> None:
    folder = os.environ.get("REFLEX_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        time.sleep(1.3)  # what is fresh glows for a second
        browser.picture(Path(folder) / f"{name}.png")


@pytest.mark.slow
def test_the_door(reflex: Runtime, browser: Chromium) -> None:
    browser.visit(f"{reflex.url}/dashboard")
    browser.until("document.activeElement.id === 'door-token'")
    keep(browser, "door")
    browser.type("wrong")
    browser.press("Enter")
    browser.until("document.getElementById('door-error').textContent.includes('admin token')")
    browser.problems.clear()  # the refusal, which Chromium tells too
    browser.type(reflex.admin_token)
    browser.press("Enter")
    browser.until("document.querySelector('.first-steps')")
    assert browser.run("location.href") == f"{reflex.url}/dashboard"
    browser.visit(f"{reflex.url}/dashboard?again")  # the tab remembers
    browser.until("document.querySelector('.first-steps')")
    browser.run("document.getElementById('leave').click()")
    browser.until("!document.getElementById('door').hidden")
    assert browser.run("sessionStorage.length") == 0


@pytest.mark.slow
def test_an_exchange_is_opened_by_its_address(reflex: Runtime, browser: Chromium) -> None:
    _, headers, _ = chat(reflex.url, "How do I centre a div?")
    code = control(reflex, "/admin/dashboard/code", {})
    browser.visit(f"{code['url']}&exchange={headers['x-reflex-exchange']}")
    browser.until("document.getElementById('dialog').open")
    assert "How do I centre a div?" in browser.run("document.getElementById('dialog').textContent")
    assert browser.run("location.hash") == "#live"


def test_what_happens_is_seen_as_it_happens(reflex: Runtime, browser: Chromium) -> None:
    enter(browser, reflex)
    keep(browser, "empty")
    assert browser.run("location.hash") == ""
    browser.until("document.getElementById('connection').textContent.startsWith('caching')")
    assert "`" not in browser.run("document.getElementById('page').innerText")
    assert "active tenant default. Keys: 1" in browser.run("document.querySelector('footer').textContent")
    browser.run("location.hash = 'live'")
    for _ in range(2):
        chat(reflex.url, STRANGE)
    browser.until("document.querySelectorAll('#view-live tbody tr').length === 2")
    first = "document.querySelector('#view-live tbody tr')"
    assert "exact repeat" in browser.run(f"{first}.innerText")
    assert "\\u202e" in browser.run(f"{first}.innerText")
    assert browser.run("document.querySelectorAll('img[src=x]').length") == 0
    browser.run(f"{first}.click()")
    browser.until("document.getElementById('dialog').open")
    assert "1,000 in, 100 out" in browser.run("document.getElementById('dialog').innerText")
    browser.press("Escape")
    chat(reflex.url, STRANGE, model="gpt-4.1")
    browser.until("document.querySelectorAll('#view-live tbody tr').length === 3")
    browser.run(f"{first}.click()")
    browser.until("document.getElementById('dialog').innerText.includes('Why did it miss?')")
    assert "$.model" in browser.run("document.getElementById('dialog').innerText")
    keep(browser, "miss")
    browser.press("Escape")
    browser.run("location.hash = 'overview'")
    browser.until("document.querySelector('.figure.first .big')?.textContent === '$0.0035'")
    browser.until("document.querySelectorAll('.charts svg').length >= 5")
    for _ in range(100):  # a chart that is drawn anew in between loses the focus
        browser.run("document.querySelector('.chart svg[tabindex]').focus()")
        browser.press("ArrowLeft")
        if browser.run("Boolean(document.querySelector('.chart .tip:not([hidden])'))"):
            break
        time.sleep(0.1)
    browser.until("document.querySelector('.chart .tip:not([hidden])')")
    keep(browser, "busy")
    marks = browser.run("[...document.querySelectorAll('.charts .wide svg text')].map((label) => label.textContent)")
    assert marks[:3] == ["0\u00a0%", "50\u00a0%", "100\u00a0%"]
    assert marks[3] == "00:00"
    assert all(mark.endswith(("00", "30")) for mark in marks[3:])
    scale = (
        "[...document.querySelectorAll('.charts > .chart')].find((card) => card.textContent.startsWith('Latency'))"
    )
    of_ten = browser.run(f"[...{scale}.querySelectorAll('text[text-anchor=end]')].map((label) => label.textContent)")
    assert {float(mark.split()[0]) for mark in of_ten} <= {0.01, 0.1, 1, 10, 100} | {0}
    browser.run("document.getElementById('pause').click()")
    browser.until("document.getElementById('connection').textContent === 'passing through'")
    assert chat(reflex.url, STRANGE)[1]["x-reflex-status"] == "bypass"


@pytest.mark.slow
def test_a_burst_is_shown_in_bounded_room(reflex: Runtime, browser: Chromium) -> None:
    enter(browser, reflex)
    browser.run("location.hash = 'live'")
    connection = http.client.HTTPConnection("127.0.0.1", reflex.port)
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "again and again"}]})
    for _ in range(800):
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": "Bearer reflex"})
        connection.getresponse().read()
    connection.close()
    browser.until("document.querySelectorAll('#view-live tbody tr').length === 300")
    began = time.monotonic()
    assert browser.run("new Promise((done) => requestAnimationFrame(() => done(true)))")
    assert time.monotonic() - began < 5  # it still draws


@pytest.mark.slow
def test_entries_are_found_purged_and_taken_back(reflex: Runtime, browser: Chromium) -> None:
    for question in ("where is the moon?", "where is the sun?", "how far is it?"):
        chat(reflex.url, question)
    while control(reflex, "/cache/stats")["total_entries"] < 3:
        time.sleep(0.05)
    enter(browser, reflex)
    browser.press("3")
    rows = "document.querySelectorAll('#view-entries tbody tr').length"
    browser.until(f"{rows} === 3")
    browser.press("/")
    browser.type("moon")
    browser.until(f"{rows} === 1")
    purge = "[...document.querySelectorAll('#view-entries button')].find((b) => b.textContent.startsWith('Purge'))"
    browser.run(f"{purge}.click()")
    browser.until("document.getElementById('dialog').open")
    assert browser.run("document.getElementById('dialog-title').textContent").startswith("Purge 1 entry")
    assert browser.run("document.activeElement.textContent") == "Cancel"
    keep(browser, "purge")
    browser.run("document.querySelector('#dialog .danger').click()")
    browser.until(f"{rows} === 0")
    assert chat(reflex.url, "where is the moon?", Cache_Control="only-if-cached")[0] == 504
    browser.run("document.querySelector('.toast button').click()")
    browser.until(f"{rows} === 1")
    assert chat(reflex.url, "where is the moon?")[1]["x-reflex-status"] == "hit-l1-exact"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dark", "phone"), [("phone", False, True), ("phone-dark", True, True), ("dark", True, False)]
)
def test_it_fits_and_follows_the_system(
    reflex: Runtime, browser: Chromium, name: str, dark: bool, phone: bool
) -> None:
    if phone:
        browser.look(width=390, height=844, dark=dark, phone=True)
    else:
        browser.look(dark=dark)
    control(
        reflex,
        "/admin/tenants",
        {"name": "a-client-whose-name-is-as-long-as-names-may-be-and-longer-than-a-line"[:64]},
    )
    for _ in range(3):
        chat(
            reflex.url,
            "a question that goes on for so long that it has to be broken somewhere on a phone " + "x " * 90,
        )
    enter(browser, reflex)
    browser.until("document.querySelectorAll('#view-live tbody tr').length === 3")  # from before the page was opened
    assert browser.run("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    for view in ("overview", "live", "entries", "tenants"):
        browser.run(f"location.hash = '{view}'")
        browser.until(f"!document.getElementById('view-{view}').hidden")
        browser.until(f"document.querySelector('#view-{view} :is(svg, tbody tr)')")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), view
        assert browser.run(f"[...document.querySelectorAll('#view-{view} select')].every({INSIDE})"), view
        keep(browser, f"{name}-{view}")
        if view == "entries":
            words = browser.run("document.querySelector('#view-entries td.words bdi').getBoundingClientRect().height")
            assert words < 3 * 15 * 1.5  # two lines of it, however long it is
    browser.press("t")
    assert browser.run("document.documentElement.dataset.theme") == ("light" if dark else "dark")


@pytest.mark.slow
def test_a_button_keeps_the_focus_when_its_list_is_told_anew(reflex: Runtime, browser: Chromium) -> None:
    control(reflex, "/admin/tenants", {"name": "work"})
    enter(browser, reflex)
    browser.press("4")
    browser.until("!document.getElementById('view-tenants').hidden")  # what is hidden takes no focus
    browser.until("document.querySelectorAll('#view-tenants tbody tr').length === 2")
    held = "document.activeElement.closest('#view-tenants tr')?.textContent"
    browser.run("document.querySelectorAll('#view-tenants tbody tr')[1].querySelector('button:last-child').focus()")
    assert browser.run(held).startswith("work")
    browser.press("Enter")
    browser.until(f"{held}?.startsWith('work') && document.activeElement.textContent === 'Resume'")
    browser.press("Enter")
    browser.until(f"{held}?.startsWith('work') && document.activeElement.textContent === 'Pause'")


@pytest.mark.slow
def test_it_comes_back_when_the_daemon_does(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with chromium(tmp_path) as browser:
        with daemon(settings_for(tmp_path / "storage", upstream.url)) as reflex:
            enter(browser, reflex)
            port = reflex.port
        browser.until("document.getElementById('connection').textContent.startsWith('reconnecting')")
        with daemon(settings_for(tmp_path / "storage", upstream.url, port=port)):
            browser.until("!document.getElementById('door').hidden")  # its sessions ended with it
            assert "admin token" in browser.run("document.getElementById('door-error').textContent")
