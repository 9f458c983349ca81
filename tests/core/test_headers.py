"""Headers: what goes on, what stays here, what is kept, and what is said of an answer."""

import pytest

from reflexd_core.commands import Status
from reflexd_core.credentials import CREDENTIAL_HEADERS
from reflexd_core.headers import (
    HOP_BY_HOP,
    REPLAYED,
    accepts_coding,
    by_name,
    explain_forward,
    explain_hit,
    kept,
    server_timing,
    to_client,
    to_upstream,
    value_of,
)
from reflexd_core.policy import CONTROL_HEADERS

CREDENTIALS = [(b"Authorization", b"Bearer x"), (b"X-API-Key", b"x"), (b"api-key", b"x"), (b"x-goog-api-key", b"x")]
PASSED = [(b"Content-Type", b"application/json"), (b"X-Custom", b"1"), (b"x-custom", b"2"), (b"Cookie", b"c")]


def test_what_is_the_providers_goes_upstream_in_order_and_as_it_came() -> None:
    ours = [(name.upper().encode(), b"x") for name in sorted(CONTROL_HEADERS)]
    hops = [(name.title(), b"x") for name in sorted(HOP_BY_HOP)]
    framing = [(b"Host", b"h"), (b"Content-Length", b"5"), (b"Expect", b"100-continue")]
    headers = [*ours, *CREDENTIALS, PASSED[0], *hops, *framing, *PASSED[1:]]
    assert to_upstream(headers, withheld=CREDENTIAL_HEADERS) == PASSED
    assert to_upstream(headers, withheld=()) == [*CREDENTIALS, *PASSED]


@pytest.mark.parametrize("value", [b"rfx_1", b" rfx_1", b"Token rfx_1", b"session=rfx_1; a=b", b"a, Bearer rfx_1"])
@pytest.mark.parametrize("name", [b"Cookie", b"X-Auth-Token", b"x-api-key", b"X-Custom"])
def test_a_token_of_ours_goes_upstream_in_no_header(name: bytes, value: bytes) -> None:
    assert to_upstream([(name, value), *PASSED], withheld=()) == PASSED
    assert to_upstream([(name, b"prfx_1"), *PASSED], withheld=()) == [(name, b"prfx_1"), *PASSED]


def test_what_the_connection_names_goes_no_further() -> None:
    headers = [
        (b"Connection", b"close, X-Private"),
        (b"connection", b"x-other"),
        (b"X-PRIVATE", b"1"),
        (b"x-other", b"2"),
    ]
    assert to_upstream([*headers, *PASSED], withheld=CREDENTIAL_HEADERS) == PASSED
    assert to_client([*headers, *PASSED]) == PASSED


def test_the_providers_headers_reach_the_client_without_the_framing() -> None:
    limits = [(b"x-ratelimit-remaining-requests", b"1"), (b"Set-Cookie", b"a"), (b"set-cookie", b"b")]
    assert to_client([(b"Transfer-Encoding", b"chunked"), (b"content-length", b"5"), *limits, *PASSED]) == [
        *limits,
        *PASSED,
    ]


def test_only_what_belongs_to_the_answer_is_kept_with_it() -> None:
    headers = [(name.title(), b"v") for name in sorted(REPLAYED)]
    moment = [(b"set-cookie", b"a"), (b"x-ratelimit-remaining-tokens", b"1"), (b"date", b"now"), (b"age", b"3")]
    assert kept([*moment, *headers]) == [(name, b"v") for name in sorted(REPLAYED)]


def test_a_header_is_found_by_its_name_in_any_case() -> None:
    headers = [(b"X-One", b"1"), (b"x-one", b"2")]
    assert value_of(headers, b"x-one") == b"1"
    assert value_of(headers, b"x-two") is None


def test_repeated_headers_are_one_list() -> None:
    assert by_name([(b"Accept", b"a"), (b"accept", b"b, c"), (b"X-Odd", b"\xe9")]) == {
        "accept": "a, b, c",
        "x-odd": "é",
    }


@pytest.mark.parametrize(
    ("age", "ttl", "told_age", "cache_status"),
    [
        (61.9, None, b"61", b"reflex; hit"),
        (0.0, 29.9, b"0", b"reflex; hit; ttl=29"),
        (-5.0, 30.0, b"0", b"reflex; hit; ttl=30"),
    ],
)
def test_a_hit_is_explained(age: float, ttl: float | None, told_age: bytes, cache_status: bytes) -> None:
    assert list(explain_hit(Status.HIT_L1, "e1", age, ttl, {b"l1": 0.0000125})) == [
        (b"X-Reflex-Status", b"hit-l1-exact"),
        (b"X-Reflex-Entry", b"e1"),
        (b"Age", told_age),
        (b"Cache-Status", cache_status),
        (b"Server-Timing", b"l1;dur=0.01"),
    ]


@pytest.mark.parametrize(
    ("status", "reason", "collapsed", "cache_status"),
    [
        (Status.MISS, "not-stored", False, b"reflex; fwd=uri-miss"),
        (Status.MISS, "not-stored", True, b"reflex; fwd=uri-miss; collapsed"),
        (Status.MISS, "no-cache", False, b"reflex; fwd=request"),
        (Status.MISS, "expired", False, b"reflex; fwd=stale"),
        (Status.BYPASS, "no-cache", False, b"reflex; fwd=bypass"),
    ],
)
def test_an_answer_from_upstream_is_explained(
    status: Status, reason: str, collapsed: bool, cache_status: bytes
) -> None:
    assert list(explain_forward(status, reason, collapsed=collapsed, timings={})) == [
        (b"X-Reflex-Status", status.value.encode()),
        (b"X-Reflex-Reason", reason.encode()),
        (b"Cache-Status", cache_status),
    ]
    timed = explain_forward(status, reason, collapsed=collapsed, timings={b"l1": 0.5})
    assert timed[-1] == (b"Server-Timing", b"l1;dur=500.00")


def test_every_status_can_be_told() -> None:
    told = [dict(explain_hit(status, "e", 0, None, {}))[b"X-Reflex-Status"] for status in Status]
    assert told == [b"hit-l1-exact", b"hit-l2-semantic", b"hit-l3-verified", b"miss", b"bypass"]


def test_tiers_are_timed_in_milliseconds() -> None:
    assert server_timing({b"l1": 0.001, b"l2": 0.25}) == b"l1;dur=1.00, l2;dur=250.00"


@pytest.mark.parametrize(
    ("accepted", "coding", "can"),
    [
        ("gzip", "gzip", True),
        ("br, GZIP;q=0.5", "gzip", True),
        ("x-gzip", "gzip", False),
        ("gzip;q=0", "gzip", False),
        ("gzip; q=0.000, *", "gzip", False),
        ("gzip;q=0.05", "gzip", True),
        ("*", "zstd", True),
        ("*;q=0", "zstd", False),
        ("br", "gzip", False),
        ("", "gzip", False),
        ("", "", True),
        ("", "identity", True),
        ("gzip", "gzip, br", False),
        ("gzip, br", "gzip, br", True),
    ],
)
def test_a_coding_is_given_only_to_those_that_read_it(accepted: str, coding: str, can: bool) -> None:
    assert accepts_coding(accepted, coding) is can
