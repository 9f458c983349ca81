"""Stats: what was saved, how often and how fast, and whether the answers by meaning deserved their trust."""

from typing import ClassVar, get_args

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.widgets import Static

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.stats import Range, Stats, StatsQuery
from reflexd_tui.host import host_of
from reflexd_tui.pure import charts, words
from reflexd_tui.pure.safe import short
from reflexd_tui.pure.told import Line
from reflexd_tui.widgets.lines import colour, drawn, muted

RANGES: tuple[Range, ...] = get_args(Range)
_TITLES = {"today": "Today", "7d": "7 days", "30d": "30 days", "ever": "Ever"}
_KINDS = ("hit-l1-exact", "hit-l3-verified", "hit-l2-semantic", "miss", "bypass")
_WIDTH = 28
_BESIDE = 24
"""Columns of the chart's box that are not the chart: its frame, names and shares."""


class StatsView(VerticalScroll, can_focus=True):
    DEFAULT_CSS = """
    StatsView { height: 1fr; padding: 0 1; scrollbar-gutter: stable; }
    StatsView #ranges { height: 1; margin: 0 0 1 1; }
    StatsView #tiles { grid-size: 4; grid-rows: 5; height: auto; grid-gutter: 0 1; }
    StatsView .tile { border: round $primary 60%; padding: 0 1; height: 5; }
    StatsView .tile, StatsView .box, StatsView .chart {
        border-title-color: $foreground; border-title-style: bold; text-wrap: nowrap; text-overflow: ellipsis;
    }
    StatsView .boxes { layout: grid; grid-size: 2; grid-rows: auto; height: auto; grid-gutter: 0 1; }
    StatsView .box { border: round $foreground 20%; padding: 0 1; height: auto; min-height: 5; }
    StatsView .chart { height: auto; border: round $foreground 20%; padding: 0 1; }
    StatsView.-nothing #tiles, StatsView.-nothing .chart, StatsView.-nothing .boxes { display: none; }
    StatsView.-narrow #tiles { grid-size: 2; }
    StatsView.-narrow .boxes { grid-size: 1; }
    StatsView.-wide .boxes { grid-size: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "range(-1)", "Shorter"),
        Binding("right_square_bracket", "range(1)", "Longer"),
        Binding("y", "copy", "Copy numbers"),
        Binding("r", "reload", "Reload", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._range: Range = "today"
        self._stats: Stats | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="ranges")
        with Grid(id="tiles"):
            for name in ("rate", "money", "tokens", "requests"):
                yield Static("", id=name, classes="tile")
        yield Static("", id="chart", classes="chart")
        with Grid(classes="boxes"):
            for name in ("tiers", "speed", "models", "questions", "trust", "storage"):
                yield Static("", id=name, classes="box")

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "-narrow")
        self.set_class(self.size.width >= 180, "-wide")
        if self._stats is not None:
            self.call_after_refresh(self._chart, self._stats)

    def focus_first(self) -> None:
        self.focus()
        self.reload()

    @work(exclusive=True, group="stats")
    async def reload(self) -> None:
        if self._stats is None:
            self._tell("Asking the daemon …")
        found = await host_of(self).ask(calls.statistics(StatsQuery(range=self._range)))
        if found is not None:
            self._stats = found
            self._show(found)
        elif self._stats is None:
            self._tell("The statistics cannot be read now: r tries again.")

    def _tell(self, what: str) -> None:
        """While there is nothing to show."""
        self.add_class("-nothing")
        self._put("ranges", Text(what))

    def action_range(self, step: int) -> None:
        place = RANGES.index(self._range) + step
        self._range = RANGES[max(0, min(place, len(RANGES) - 1))]
        self.reload()

    def action_reload(self) -> None:
        self.reload()

    def action_copy(self) -> None:
        stats = self._stats
        if stats is not None:
            said = (
                f"Reflex, {_TITLES[stats.range].lower()}: {words.plural(stats.exchanges, 'request', 'requests')}, "
                f"{words.share(stats.hit_rate)} hits, {stats.saved_tokens:,} tokens and "
                f"{words.dollars(stats.saved_dollars)} saved (list prices of {stats.prices_as_of})"
            )
            host_of(self).copy(said, "the numbers")

    def _show(self, stats: Stats) -> None:
        self.remove_class("-nothing")
        ranges = Text("  ").join(
            Text(f" {_TITLES[each]} ", style="reverse" if each == self._range else muted(self.app)) for each in RANGES
        )
        self._put("ranges", ranges + Text("   [ ] another range", style=muted(self.app)))
        whole, cached = f"{stats.hits:,} of {stats.exchanges:,} requests", words.count(stats.provider_cached_tokens)
        prices = f"prices of {stats.prices_as_of}" if stats.prices_as_of else ""
        unpriced = f"{words.count(stats.unpriced_tokens)} tokens unpriced" if stats.unpriced_tokens else ""
        paid = f"{words.count(stats.paid_tokens)} paid for: {words.dollars(stats.paid_dollars)}"
        self._tile("rate", "Hit rate", words.share(stats.hit_rate), whole, f"{stats.coalesced:,} joined another")
        self._tile("money", "Saved", words.dollars(stats.saved_dollars), prices, unpriced)
        self._tile("tokens", "Tokens saved", words.count(stats.saved_tokens), f"{cached} cached by providers", paid)
        kinds = stats.by_status
        passed = f"{kinds.get('miss', 0):,} missed, {kinds.get('bypass', 0):,} passed by"
        errors = words.plural(stats.errors, "error", "errors")
        self._tile("requests", "Requests", words.count(stats.exchanges), passed, errors)
        self._chart(stats)
        self._box("tiers", "Answered by", _tiers(stats))
        self._box("speed", "Took", _speed(stats))
        self._box("models", "Top models", _models(stats))
        self._box("questions", "Top questions", _questions(stats))
        self._box("trust", "Can it be trusted?", _trust(stats))
        self._box("storage", "Storage and models", _storage(stats))

    def _chart(self, stats: Stats) -> None:
        room = max(10, self.scrollable_content_region.width - _BESIDE)
        nothing: Line = [("No requests in this time. Point an agent at ", ""), (f"{host_of(self).url}/v1", "bold")]
        nothing.append(("   b copies it", "muted"))
        self._box("chart", "Hit rate over time, by tier", _over_time(stats, room) or [nothing])

    def _put(self, name: str, text: Text) -> None:
        self.query_one(f"#{name}", Static).update(text)

    def _tile(self, name: str, title: str, number: str, *more: str) -> None:
        self.query_one(f"#{name}", Static).border_title = title
        accent = colour(self.app, "text-accent")
        said = "\n".join(each for each in more if each)
        self._put(name, Text.assemble((f"{number}\n", f"bold {accent}"), (said, muted(self.app))))

    def _box(self, name: str, title: str, lines: list[Line]) -> None:
        self.query_one(f"#{name}", Static).border_title = title
        self._put(name, drawn(self.app, lines or [[("nothing yet", "muted")]]))


def _over_time(stats: Stats, room: int) -> list[Line]:
    """A line a tier: its share of each step's requests, and of all of them."""
    if not stats.exchanges:
        return []
    lines: list[Line] = []
    for kind in _KINDS:
        if stats.by_status.get(kind):
            word = words.status(kind)
            shares = [charts.share(point.by_status, kind) for point in stats.series]
            whole = stats.by_status[kind] / max(1, sum(stats.by_status.values()))
            name = f"{word.symbol} {word.text:<9} "
            lines.append(
                [(name, word.colour), (charts.line(shares, room), word.colour), (f"  {whole:>5.0%}", "bold")]
            )
    if stats.series:
        first, last = words.date(stats.since, stats.step), words.date(stats.series[-1].at, stats.step)
        lines.append([(" " * 12 + first + " " * max(1, room - len(first + last)) + last, "muted")])
    return lines


def _tiers(stats: Stats) -> list[Line]:
    most = max(stats.by_status.values(), default=0)
    lines: list[Line] = []
    for kind in _KINDS:
        number = stats.by_status.get(kind, 0)
        if number:
            word = words.status(kind)
            bar = "█" * max(1, round(_WIDTH * number / most))
            name = f"{word.symbol} {word.text:<9} "
            lines.append([(name, word.colour), (f"{bar:<{_WIDTH}}", word.colour), (f" {words.count(number):>6}", "")])
    return lines


def _speed(stats: Stats) -> list[Line]:
    lines: list[Line] = [[(f"{'':<12}{'p50':>9}{'p90':>9}{'p99':>9}", "muted")]] if stats.latency_ms else []
    for kind, took in stats.latency_ms.items():
        word = words.status(kind, joined=kind == "coalesced")
        numbers = "".join(f"{words.duration(each):>9}" for each in (took.p50, took.p90, took.p99))
        lines.append([(f"{word.symbol} {word.text:<10}", word.colour), (numbers, "")])
    return lines


def _models(stats: Stats) -> list[Line]:
    return [
        [
            (f"{short(model.model, 26):<26}", ""),
            (f"{words.count(model.hits):>5} of {words.count(model.exchanges):<6}", "muted"),
            (f"{words.dollars(model.saved_dollars):>9}", "success"),
        ]
        for model in stats.top_models[:6]
    ]


def _questions(stats: Stats) -> list[Line]:
    return [
        [(f"{words.count(each.hits):>5} × ", "success"), (short(each.question, 200), "")]
        for each in stats.top_questions[:6]
    ]


def _trust(stats: Stats) -> list[Line]:
    wrong = words.plural(stats.false_hits, "answer", "answers")
    called: Line = [(f"{wrong} called wrong (w in Live)", "warning" if stats.false_hits else "")]
    compared = sum(stats.audits.values())
    if not compared:
        return [called, [("No hit by meaning was compared with a fresh one.", "muted")]]
    colours = {"same": "success", "different": "error"}
    return [
        called,
        [(f"{words.plural(compared, 'hit', 'hits')} by meaning compared with a fresh answer:", "")],
        *([(f"  {number:>5} {verdict}", colours.get(verdict, "muted"))] for verdict, number in stats.audits.items()),
    ]


def _storage(stats: Stats) -> list[Line]:
    held = words.counted(stats.memory_entries, "answer", "answers")
    lines: list[Line] = [
        [(f"{words.size(stats.storage_bytes)} of {words.size(stats.storage_limit)} on disk", "")],
        [(f"{held} in memory, {words.size(stats.memory_bytes)}", "")],
    ]
    lines += [
        [(f"  {short(each.tenant, 26):<26} {words.count(each.entries):>6}  {words.size(each.size):>9}", "muted")]
        for each in stats.storage[:4]
    ]
    facts = [str(stats.models[name]) for name in ("backend", "device", "dtype", "verifier") if stats.models.get(name)]
    return [*lines, [("models ", ""), (", ".join(facts) or str(stats.models.get("status", "none")), "muted")]]
