"""The parts without a screen: the filter's language, what is shown of anybody's text, the feed, columns, charts."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reflexd_io.control_client.shapes.entries import EntryFilter
from reflexd_io.control_client.shapes.exchanges import ExchangeDetail
from reflexd_tui.panes.policy import _written
from reflexd_tui.pure import asks, charts, filters, safe, words
from reflexd_tui.pure.columns import GAP, place
from reflexd_tui.pure.curl import command, whole
from reflexd_tui.pure.feed import Feed
from reflexd_tui.pure.told import decision, marked, questions
from reflexd_tui.views.entries import COLUMNS as ENTRIES
from reflexd_tui.views.live import COLUMNS as LIVE
from reflexd_tui.widgets.key_line import Key, fitting
from support.world import exchange

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
ODD = st.text(st.one_of(st.characters(), st.sampled_from(BIDI + "\x1b\x07\x00\x9b\x85\u2028\u200b\ufeff[]\n\t\r")))


@given(ODD)
def test_nothing_in_a_text_moves_the_cursor_or_turns_the_line(text: str) -> None:
    for shown in (safe.block(text).replace("\n", ""), safe.line(text), safe.short(text, 40)):
        assert not set(shown) & set(BIDI)
        hidden = [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs")]
        assert set(hidden) <= {"\u200d"}, hidden


@given(ODD, st.integers(1, 80))
def test_a_short_text_is_one_line_and_no_longer_than_asked(text: str, width: int) -> None:
    shown = safe.short(text, width)
    assert "\n" not in shown
    assert len(shown) <= width


@given(st.text(string.ascii_letters + string.punctuation + " "))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert safe.block(text) == text


def test_escape_sequences_are_seen_and_not_obeyed() -> None:
    assert safe.line("a\x1b[31mb\x07\u202ec") == "a␛[31mb␇·c"


@given(st.text())
def test_any_filter_is_read_or_its_fault_has_a_place(text: str) -> None:
    fault = None
    try:
        filters.read(text).holds(exchange(1))
    except filters.BadFilter as error:
        fault = error
    assert fault is None or (0 <= fault.at <= len(text) and str(fault))


@given(st.text())
def test_any_search_is_read_or_its_fault_has_a_place(text: str) -> None:
    fault = None
    try:
        asks.read(text)
    except filters.BadFilter as error:
        fault = error
    assert fault is None or 0 <= fault.at <= len(text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("div tier:exact", EntryFilter(text="div", tier="exact")),
        ("tier:semantic model:gpt-4o", EntryFilter(tier="semantic", model="gpt-4o")),
        ("is:pinned older:7d", EntryFilter(pinned=True, older_than=604_800.0)),
    ],
)
def test_fields_of_a_search_are_read_apart_from_its_words(text: str, asked: EntryFilter) -> None:
    assert asks.read(text) == asked


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("div tier:l1", 9, "tier: expected exact or semantic"),
        ("is:exact", 3, "is: expected pinned"),
        ("x nosuch:1", 2, "there is no field 'nosuch'"),
    ],
)
def test_a_searchs_fault_points_at_its_place_and_says_what_may_stand_there(text: str, at: int, said: str) -> None:
    with pytest.raises(filters.BadFilter, match=said) as caught:
        asks.read(text)
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("status:hit", True), ("-status:hit", False), ("!status:miss", True), ("status:miss|exact", True),
        ("model:gpt*", True), ("model:claude", False), ("> 0.5ms", True), (">50ms", False), ("ms:<=0.6", True),
        ("tenant:work codex", False), ("bytes tenant:work", True), ('"parse_header so"', True), ("first:<1s", True),
        ("tok:>1k", True), ("client:codex|claude-code", True), ("", True),
    ],
)  # fmt: skip
def test_what_filters_hold_for(text: str, holds: bool) -> None:
    assert filters.read(text).holds(exchange(1)) is holds


@pytest.mark.parametrize(
    ("text", "at"), [("status:hti", 7), ("model:x nosuch:1", 8), ("x >50kg", 2), ('a "b', 2), ("ms:5kg", 3)]
)
def test_a_fault_points_at_its_place(text: str, at: int) -> None:
    with pytest.raises(filters.BadFilter) as caught:
        filters.read(text)
    assert caught.value.at == at


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans())), st.integers(1, 12))
def test_the_feed_is_bounded_ordered_and_true_to_its_filter(steps: list[tuple[int, bool]], kept: int) -> None:
    feed, expected = Feed(kept), dict[str, int]()
    feed.show(filters.read("status:hit"))
    for number, follows in steps:
        feed.follow(follows)
        feed.add([exchange(number)])
        expected.setdefault(exchange(number).id, number)
        expected = dict(list(expected.items())[-kept:])
    shown = [feed.row(place).id for place in range(len(feed))]
    assert feed.total == len(expected)
    assert shown == [name for name, number in expected.items() if exchange(number).status.startswith("hit")]
    assert [feed.index_of(name) for name in shown] == list(range(len(shown)))
    assert feed.new <= len(feed)
    assert not (feed.following and feed.new)


def test_a_row_that_comes_again_takes_its_place() -> None:
    feed = Feed()
    feed.add([exchange(1), exchange(2)])
    feed.add([exchange(1, http_status=500)])
    assert [feed.row(place).http_status for place in range(2)] == [500, 200]


@given(st.integers(0, 300), st.sampled_from([LIVE, ENTRIES]))
def test_columns_fit_or_only_the_question_is_left(width: int, columns: tuple[object, ...]) -> None:
    placed = place(columns, width)  # type: ignore[arg-type]
    needed = sum(each.width for each in placed) + GAP * (len(placed) - 1)
    assert needed <= width or len(placed) == 1
    assert any(each.column.grows for each in placed)


@given(st.integers(0, 200), st.integers(0, 12), st.integers(0, 3))
def test_keys_go_from_the_end_and_help_goes_last(width: int, here: int, always: int) -> None:
    some = [Key(str(number), str(number), "Does it") for number in range(here)]
    right = [Key(name, name, "Always") for name in ("?", "q", "^p")[:always]]
    left, kept = fitting(some, right, width)
    assert left == some[: len(left)]
    assert kept == right[: len(kept)]
    needed = sum(key.width + GAP for key in (*left, *kept)) - GAP
    assert needed <= width or len(left) + len(kept) == 1
    assert len(left) == here or kept != right or needed + GAP + some[len(left)].width > width


def test_columns_go_in_the_order_that_is_stated() -> None:
    gone, seen = [], {column.key for column in LIVE}
    for width in range(200, 0, -1):
        now = {each.column.key for each in place(LIVE, width)}
        gone += sorted(seen - now)
        seen = now
    assert gone == ["dialect", "tokens", "client", "tenant", "model", "saved", "ms", "time", "status"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1))), st.integers(1, 120))
def test_a_chart_fills_its_room(shares: list[float | None], room: int) -> None:
    drawn = charts.line(shares, room)
    assert len(drawn) == (room if shares else 0)
    assert drawn.strip() == "" or any(shares)


@given(ODD, st.lists(st.text(min_size=1), max_size=3))
def test_marking_words_loses_no_text(text: str, found: list[str]) -> None:
    assert "".join(piece for piece, _ in marked(text, found)) == safe.line(text)


@given(ODD, ODD)
def test_a_diff_shows_both_questions_whole(asked: str, stored: str) -> None:
    before, _, after = questions(asked, stored)
    assert "".join(piece for piece, _ in before[1:]) == safe.line(stored)
    assert "".join(piece for piece, _ in after[1:]) == safe.line(asked)


@given(st.floats(0, 1e9), st.integers(0, 10**12))
def test_numbers_stay_short(number: float, whole: int) -> None:
    assert cell_len(words.duration(min(number, 3_600_000.0))) <= 9
    assert len(words.count(min(whole, 10**9))) <= 6
    assert len(words.size(whole)) <= 9


@pytest.mark.parametrize(
    ("told", "is_told_as"),
    [
        (words.count(999), "999"),
        (words.count(9_949), "9.9k"),
        (words.count(9_950), "10k"),
        (words.count(999_499), "999k"),
        (words.count(999_500), "1.0M"),
        (words.size(999), "999 B"),
        (words.size(999_949), "999.9 kB"),
        (words.size(999_951), "1.0 MB"),
        (words.duration(0.0949), "0.09 ms"),
        (words.duration(0.096), "0.1 ms"),
        (words.duration(9.96), "10 ms"),
        (words.duration(9_999.6), "10.0 s"),
        (words.span(59.6), "1 min"),
        (words.span(3_569), "59 min"),
        (words.span(3_571), "1 h"),
        (words.span(86_399), "1 d"),
        (words.dollars(0.00004), "<$0.0001"),
        (words.dollars(0.99996), "$1.00"),
        (words.restored(1, 0), "1 entry is back."),
        (words.restored(1200, 1), "1,200 entries are back, 1 was stored anew meanwhile."),
    ],
)
def test_what_is_rounded_up_to_a_larger_unit_is_told_in_it(told: str, is_told_as: str) -> None:
    assert told == is_told_as


def test_a_curl_command_names_no_key() -> None:
    told = command("http://127.0.0.1:8080", "/v1/messages", "messages", '{"a": "it\'s"}')
    assert "x-api-key: $ANTHROPIC_API_KEY" in told
    assert "it'\"'\"'s" in told


def test_a_curl_command_goes_where_the_request_went() -> None:
    assert whole("/chat/completions") == whole("/v1/chat/completions") == "/v1/chat/completions"
    assert whole("/v1beta/models/g:generateContent") == "/v1beta/models/g:generateContent"
    assert whole("/api/chat") == "/api/chat"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("cent", "cent*"), ("centre di", "centre"), ("ce", None), ("centre div", "centre div*"), ("日本", "日本*"),
        ("centre ", "centre"), ('"centre di', '"centre di'),
        ('"centre a" div', '"centre a" div*'), ("model:gpt", None), ("div -flex", "div -flex"), ("gpt-4o", "gpt-4o*"),
        ("c++", "c++"), ("", None), ("div tenant:work", "div"),
    ],
)  # fmt: skip
def test_the_last_word_is_a_beginning_while_it_is_typed(typed: str, asked: str | None) -> None:
    assert asks.read(typed, typing=True).text == asked
    assert "*" not in (asks.read(typed).text or "")


def test_huge_questions_are_not_compared_word_by_word() -> None:
    before, _, after = questions("a b " * 50_000, "b a " * 50_000)
    assert len(before) == len(after) == 2
    assert "150,000 characters more" in after[1][0]


def test_every_kind_of_latency_has_a_word_of_its_own() -> None:
    kinds = ("hit-l1-exact", "hit-l3-verified", "hit-l2-semantic", "miss", "bypass", "relayed")
    told = [words.status(kind) for kind in kinds] + [words.status("coalesced", joined=True)]
    assert len({word.symbol for word in told}) == len({word.text for word in told}) == 7


def test_seconds_are_shown_as_they_are_typed() -> None:
    values = (604_800.0, 0.98, True, "cancel", None)
    assert [_written(value) for value in values] == ["604800", "0.98", "true", "cancel", ""]


def test_what_the_status_says_already_is_not_its_reason_too() -> None:
    row = exchange(3, status="hit-l3-verified", reason="verified")
    ((said, _),) = decision(ExchangeDetail(row=row, path="/v1/chat/completions", upstream="openai"))[0]
    assert said.endswith("the same in other words, as the verifier found")
