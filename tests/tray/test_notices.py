"""Notifications: few, one for each cause, and again only once the cause had gone."""

from dataclasses import replace

from reflexd_io.control_client.shapes.exchanges import Audits, Interval
from reflexd_tray.model import Seen
from reflexd_tray.notices import OFFLINE_AFTER, Told
from support.states import row, state

UP = Seen(state=state(), offline=None)
DOWN = Seen(offline="no daemon answers.")
SICK = replace(UP, state=state(status="degraded", problems={"storage": "disk full"}))


def titles(told: Told) -> list[str]:
    return [notice.title for notice in told.waiting]


def test_a_restart_is_nobodys_business_and_an_end_is() -> None:
    told = Told().on_state(UP, 0.0).on_state(DOWN, 5.0)
    assert titles(told.on_state(UP, 8.0)) == []
    told = told.on_state(DOWN, 5.0 + OFFLINE_AFTER)
    assert titles(told) == ["Reflex has stopped"]
    told = told.shown().on_state(DOWN, 99.0)
    assert titles(told) == []
    again = told.on_state(UP, 100.0).on_state(DOWN, 101.0).on_state(DOWN, 101.0 + OFFLINE_AFTER)
    assert titles(again) == ["Reflex has stopped"]


def test_who_never_had_a_daemon_is_not_told_that_it_has_stopped() -> None:
    assert titles(Told().on_state(DOWN, 0.0).on_state(DOWN, 1e6)) == []


def test_trouble_is_told_with_its_cause_until_it_has_gone() -> None:
    told = Told().on_state(SICK, 0.0)
    assert [(notice.title, notice.text) for notice in told.waiting] == [
        ("Reflex is in trouble", "storage: disk full")
    ]
    told = told.shown().on_state(SICK, 1.0)
    assert titles(told) == []
    assert titles(told.on_state(UP, 2.0).on_state(SICK, 3.0)) == ["Reflex is in trouble"]


def test_a_refused_key_is_told_until_the_provider_takes_one() -> None:
    refused, taken, hit = row(status="miss", http_status=401), row(status="miss"), row(http_status=200)
    told = Told().on_exchange(refused)
    assert titles(told) == ["A provider refused the key"]
    told = told.shown().on_exchange(refused).on_exchange(hit).on_exchange(refused)
    assert titles(told) == []
    assert titles(told.on_exchange(row(status="miss", http_status=500)).on_exchange(refused)) == []
    assert titles(told.on_exchange(taken).on_exchange(refused)) == ["A provider refused the key"]
    elsewhere = row(status="miss", http_status=403, tenant="work")
    assert titles(told.on_exchange(elsewhere)) == ["A provider refused the key"]


def test_wrong_answers_are_told_only_when_it_is_certain_that_they_are_too_many() -> None:
    def found(share: float, low: float) -> Audits:
        shown = Interval(share=share, low=low, high=0.5)
        return Audits(tenant="default", compared=40, same=30, different=4, unsure=6, different_share=shown)

    assert titles(Told().on_audits(found(0.1, 0.02))) == []
    told = Told().on_audits(found(0.1, 0.04))
    assert titles(told) == ["More wrong answers than expected"]
    assert "4 of 40" in told.waiting[0].text
    assert titles(told.shown().on_audits(found(0.1, 0.05))) == []
    assert titles(Told().on_audits(Audits(tenant="x", compared=0, same=0, different=0, unsure=0))) == []


def test_what_came_of_a_click_is_always_told() -> None:
    told = Told().on_click("Copied", "a").on_click("Copied", "a")
    assert titles(told) == ["Copied", "Copied"]
    assert titles(told.shown()) == []
