"""Why it missed, in words: every way to miss has its sentence."""

from typing import Any

import pytest

from reflexd_core.commands import Replay, Status
from reflexd_core.differences import Difference, Kind
from reflexd_core.entry import EntryFacts
from reflexd_core.request import Form as RequestForm
from reflexd_io.call import About
from reflexd_io.journal.finished import Detail, Finished
from reflexd_io.journal.why import why
from reflexd_io.store.forms import Compared, Form

ENTRY = EntryFacts(
    id="e",
    dialect="chat",
    model="m",
    form=RequestForm.BODY,
    created=1.0,
    expires=None,
    has_usage=True,
    asked_usage=True,
)


def finished(**changed: Any) -> Finished:
    facts: dict[str, Any] = {
        "number": 2,
        "at": 5.0,
        "took": 0.1,
        "tenant": "t",
        "upstream": "openai",
        "dialect": "chat",
        "path": "/chat/completions",
        "about": About("codex"),
        "session": None,
        "form": RequestForm.BODY,
        "model": "m",
        "key": b"k" * 32,
        "rules": (),
        "status": Status.MISS,
        "http_status": 200,
        "reason": "not-stored",
        "outcome": "stored",
    }
    return Finished(**{**facts, **changed})


def form(key: bytes = b"k" * 32, outcome: str = "stored") -> Form:
    return Form(
        exchange="a-1",
        key=key,
        at=1.0,
        dialect="chat",
        client="codex",
        outcome=outcome,
        rules=(),
        covered={},
        parts=(),
    )


def unfit(reason: str) -> Finished:
    return finished(detail=Detail(heard=(), timings={}, stored={}, unfit=reason))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (finished(status=Status.HIT_L1, replay=Replay(ENTRY, Status.HIT_L1)), "exactly this request was stored"),
        (finished(status=Status.HIT_L2, replay=Replay(ENTRY, Status.HIT_L2)), "near enough"),
        (finished(status=Status.HIT_L3, replay=Replay(ENTRY, Status.HIT_L3)), "found to serve"),
        (finished(joined=True), "together with an identical request"),
        (finished(status=Status.BYPASS, reason="paused"), "left out: caching is off"),
        (finished(status=Status.BYPASS, reason="container"), "left out: container"),
        (finished(status=Status.BYPASS, reason="unknown_tenant", http_status=400, outcome="passed"), "itself"),
        (finished(reason="not_cached", http_status=504, outcome="not-cached"), "itself: not_cached"),
        (finished(reason="no-cache"), "a fresh answer"),
        (finished(reason="store-unavailable"), "could not be read"),
        (finished(reason="twin-failed"), "broke off"),
        (unfit("expired"), "had expired"),
        (unfit("usage-missing"), "token counts"),
        (unfit("something-new"), "did not serve: something-new"),
    ],
)
def test_what_decided_before_any_comparison(found: Finished, said: str) -> None:
    assert said in why(found, Compared(form(), form()), keeps=True)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("stored", "has gone"),
        ("replayed", "in other words before"),
        ("not-stored: truncated", "was not stored: truncated"),
        ("not-stored: status-500", "was not stored: status-500"),
        ("left", "broke off"),
        ("cut", "broke off"),
        ("upstream-failed", "no answer to store: upstream-failed"),
        ("", "no answer to store: it failed"),
    ],
)
def test_the_same_request_came_before(outcome: str, said: str) -> None:
    assert said in why(finished(), Compared(form(), form(outcome=outcome)), keeps=True)


def test_another_request_came_before() -> None:
    one = ("body", Difference(("seed",), Kind.ADDED, after=1))
    other = form(key=b"o" * 32)
    assert why(finished(), Compared(form(), other, (one,)), keeps=True).endswith("in one place.")
    assert why(finished(), Compared(form(), other, (one, one), 3), keeps=True).endswith("in 5 places.")


def test_there_is_nothing_to_compare_with() -> None:
    assert "first request of this client" in why(finished(), Compared(form(), None), keeps=True)
    assert "too long ago" in why(finished(), None, keeps=True)
    assert "it asked for that" in why(finished(stores=False), None, keeps=True)
    assert "does not keep whole requests" in why(finished(), None, keeps=False)
