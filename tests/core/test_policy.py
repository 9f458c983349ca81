"""Policy: what the headers ask for, and what follows from them, the request and the tenant's rules."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.policy import (
    CONTROL_HEADERS,
    MIB,
    NO_DIRECTIVES,
    Ask,
    Directives,
    OnLeave,
    Policy,
    Semantic,
    decide,
    has_directives,
    pass_through,
    read_directives,
)
from reflexd_core.request import Form, Reading

READING = Reading(
    model="m", form=Form.BODY, wants_usage=True, keyed={}, scoped=None, question=None, exact_only="agent-turn"
)
ASK = Ask(
    key=b"k",
    dialect="chat",
    model="m",
    form=Form.BODY,
    wants_usage=True,
    reads=True,
    stores=True,
    joins=True,
    reason="",
    exact_only="agent-turn",
)


def decided(reading: Reading = READING, policy: Policy = Policy(), **directives: object) -> Ask:  # noqa: B008 - frozen
    return decide(reading, "chat", b"k", Directives(**directives), policy)  # type: ignore[arg-type]


def test_a_tenant_caches_by_default_and_compares_meaning_where_there_are_models() -> None:
    assert Policy() == Policy(
        caching=True,
        exact_lifetime=None,
        on_leave=OnLeave.CANCEL,
        semantic=Semantic.ON,
        audit_share=1 / 20,
        semantic_lifetime=7 * 86_400.0,
        verify=True,
        match_sampling=False,
        record_limit=16 * MIB,
        join_silence=30.0,
    )
    assert not Policy().compares
    assert Policy(judge="models").compares
    assert not Policy(judge="models", semantic=Semantic.OFF).compares


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Directives()),
        ({"cache-control": ""}, Directives()),
        ({"cache-control": "no-cache"}, Directives(no_cache=True)),
        ({"cache-control": " NO-STORE , foo=bar"}, Directives(no_store=True)),
        ({"cache-control": "only-if-cached,no-cache"}, Directives(only_if_cached=True, no_cache=True)),
        ({"cache-control": "max-age=60"}, Directives(max_age=60.0)),
        ({"cache-control": 'Max-Age = "60" '}, Directives(max_age=60.0)),
        ({"cache-control": "max-age=0, min-fresh=5"}, Directives(max_age=0.0, min_fresh=5.0)),
        ({"cache-control": "max-age=999999999999999"}, Directives(max_age=float(2**31))),
        ({"cache-control": "max-stale, no-transform"}, Directives()),
        ({"x-cache-ttl": "60"}, Directives(lifetime=60.0)),
        ({"x-cache-ttl": "0"}, Directives(no_store=True, lifetime=0.0)),
        ({"x-reflex-tiers": " Exact "}, Directives(exact=True)),
        ({"x-reflex-tiers": ""}, Directives()),
        ({"x-stainless-retry-count": "0"}, Directives()),
        ({"x-stainless-retry-count": " "}, Directives()),
        ({"x-stainless-retry-count": "2"}, Directives(retry=True)),
        ({"x-bypass-cache": "true", "cache-control": "no-cache"}, Directives(bypass="x-bypass-cache")),
        ({"x-bypass-cache": "1"}, Directives(bypass="x-bypass-cache")),
        ({"x-bypass-cache": " YES "}, Directives(bypass="x-bypass-cache")),
        ({"x-bypass-cache": "perhaps"}, Directives(bypass="x-bypass-cache")),
        ({"x-bypass-cache": "False"}, Directives()),
        ({"x-bypass-cache": "0"}, Directives()),
        ({"x-bypass-cache": "off"}, Directives()),
        ({"x-bypass-cache": "no"}, Directives()),
        ({"x-bypass-cache": ""}, Directives()),
    ],
)
def test_headers_are_read(headers: dict[str, str], expected: Directives) -> None:
    assert read_directives(headers) == expected


@pytest.mark.parametrize("value", ["", "-1", "1.5", "ten", "1h", "٣", "9" * 16, "1,2"])
def test_a_directive_of_our_own_that_cannot_be_read_leaves_the_cache_out(value: str) -> None:
    assert read_directives({"x-cache-ttl": value}) == Directives(bypass="unreadable x-cache-ttl")


@pytest.mark.parametrize("value", ["semantic", "exact,semantic", "none"])
def test_tiers_that_are_unknown_leave_the_cache_out(value: str) -> None:
    assert read_directives({"x-reflex-tiers": value}) == Directives(bypass="unreadable x-reflex-tiers")


@pytest.mark.parametrize("value", ["max-age", "max-age=", "max-age=x", "max-age=-1", "min-fresh", "min-fresh=1.5"])
def test_a_cache_control_that_cannot_be_read_means_nothing_stored_is_fresh(value: str) -> None:
    assert read_directives({"cache-control": value}).no_cache is True


@given(
    st.dictionaries(
        st.sampled_from([*sorted(CONTROL_HEADERS), "cache-control", "x-stainless-retry-count"]), st.text()
    )
)
def test_any_headers_are_read_without_an_error(headers: dict[str, str]) -> None:
    directives = read_directives(headers)
    ask = decide(READING, "chat", b"k", directives, Policy())
    # Whatever could not be read never lets an answer rest on a guess.
    assert not ask.reads or ((ask.max_age is None or ask.max_age >= 0) and ask.min_fresh >= 0)
    assert not ask.stores or ask.lifetime is None or ask.lifetime > 0


@given(
    st.dictionaries(
        st.sampled_from([*sorted(CONTROL_HEADERS), "cache-control", "x-stainless-retry-count", "accept"]),
        st.sampled_from(["", "0", "1", "exact", "no-cache", "true", " 0", "x"]),
    )
)
def test_headers_without_directives_are_told_from_the_others_without_reading_them(headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    assert has_directives(raw) or read_directives(headers) == NO_DIRECTIVES == Directives()


def test_most_requests_say_nothing_to_the_cache() -> None:
    assert not has_directives({b"accept": b"*/*", b"x-stainless-retry-count": b"0", b"x-reflex-tenant": b"t"})
    assert has_directives({b"cache-control": b"no-cache"})
    assert has_directives({b"x-stainless-retry-count": b"1"})


def test_a_plain_request_reads_stores_and_joins() -> None:
    assert decided() == ASK


def test_what_the_dialect_read_is_carried_over() -> None:
    reading = replace(READING, model="n", form=Form.STREAM, wants_usage=False, refusal="no", exact_only=None)
    assert decided(reading) == replace(
        ASK, model="n", form=Form.STREAM, wants_usage=False, refusal="no", exact_only=None, has_question=True
    )


@pytest.mark.parametrize(
    ("directives", "changed"),
    [
        ({"no_cache": True}, {"reads": False, "joins": False}),
        ({"no_store": True}, {"stores": False, "joins": False}),
        (
            {"no_cache": True, "no_store": True},
            {"reads": False, "stores": False, "joins": False, "reason": "no-store"},
        ),
        ({"retry": True}, {"joins": False}),
        ({"only_if_cached": True}, {"only_if_cached": True, "joins": False}),
        ({"max_age": 60.0}, {"max_age": 60.0, "joins": False}),
        ({"min_fresh": 5.0}, {"min_fresh": 5.0}),
        ({"lifetime": 60.0}, {"lifetime": 60.0}),
        ({"exact": True}, {"exact_only": "asked"}),
        ({"bypass": "x"}, {"reads": False, "stores": False, "joins": False, "reason": "x"}),
    ],
)
def test_each_directive_does_its_one_thing(directives: dict[str, object], changed: dict[str, object]) -> None:
    assert decided(**directives) == replace(ASK, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reading", "policy", "reason"),
    [
        (READING, Policy(caching=False), "paused"),
        (replace(READING, stateful="container"), Policy(), "container"),
        (replace(READING, stateful="container"), Policy(caching=False), "container"),
    ],
)
def test_state_at_the_provider_and_a_paused_tenant_leave_the_cache_out(
    reading: Reading, policy: Policy, reason: str
) -> None:
    expected = replace(ASK, reads=False, stores=False, joins=False, reason=reason)
    assert decided(reading, policy) == expected
    assert expected.bypasses


def test_only_a_request_that_neither_reads_nor_stores_bypasses() -> None:
    bypassing = {(reads, stores) for reads in (True, False) for stores in (True, False)}
    assert {(r, s) for r, s in bypassing if replace(ASK, reads=r, stores=s).bypasses} == {(False, False)}


@pytest.mark.parametrize(
    ("asked", "tenant", "request_itself", "lifetime"),
    [
        (None, None, None, None),
        (None, 100.0, None, 100.0),
        (60.0, 100.0, None, 60.0),
        (200.0, 100.0, None, 200.0),
        (200.0, 100.0, 50.0, 50.0),
        (None, None, 50.0, 50.0),
        (20.0, None, 50.0, 20.0),
    ],
)
def test_the_askers_lifetime_replaces_the_tenants_and_the_requests_own_bounds_both(
    asked: float | None, tenant: float | None, request_itself: float | None, lifetime: float | None
) -> None:
    reading = replace(READING, lifetime=request_itself)
    assert decided(reading, Policy(exact_lifetime=tenant), lifetime=asked).lifetime == lifetime


def test_what_cannot_be_compared_is_passed_through() -> None:
    ask = pass_through("not JSON", Form.STREAM)
    assert ask == Ask(
        key=None,
        dialect="",
        model="",
        form=Form.STREAM,
        wants_usage=False,
        reads=False,
        stores=False,
        joins=False,
        reason="not JSON",
    )
    assert ask.bypasses
    assert pass_through("x").form is Form.BODY
