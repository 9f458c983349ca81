"""``reflexd stats``: what was saved, how often and how fast."""

import argparse
from collections.abc import Mapping

import msgspec
from rich.console import Console
from rich.table import Table

from reflexd_io.cli.asking import answer, line
from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.stats import Percentiles, Stats, StatsQuery

_NAMES = {"today": "today", "7d": "in 7 days", "30d": "in 30 days", "ever": "ever"}
_ORDER = ("hit-l1-exact", "hit-l3-verified", "hit-l2-semantic", "coalesced", "miss", "bypass", "relayed")
_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 60


def stats(args: argparse.Namespace) -> int:
    found = answer(args, calls.statistics(StatsQuery(range=args.range, tenant=args.tenant)))
    if args.json:
        print(msgspec.json.encode(found).decode())
        return 0
    console = Console(highlight=False)
    console.print("\n".join(_summary(found, args.tenant)), markup=False)
    if found.exchanges:
        console.print(_latencies(found.latency_ms))
    if found.top_models:
        console.print(_models(found))
    if found.top_questions:
        console.print(_questions(found))
    return 0


def _summary(found: Stats, tenant: str | None) -> list[str]:
    whose = f" of {tenant}" if tenant else ""
    if not found.exchanges:
        return [f"No exchanges{whose} {_NAMES[found.range]}."]
    rate = f"{found.hit_rate:.0%} hits" if found.hit_rate is not None else "none"
    unpriced = f"; the price of {found.unpriced_tokens:,} of them is unknown" if found.unpriced_tokens else ""
    stored = sum(row.entries for row in found.storage)
    told = [
        f"{found.exchanges:,} exchanges{whose} {_NAMES[found.range]}: {rate}, {found.coalesced:,} coalesced",
        f"  saved      {found.saved_tokens:,} tokens, ${found.saved_dollars:,.4f}{unpriced}",
        f"  paid       {found.paid_tokens:,} tokens, ${found.paid_dollars:,.4f}",
        f"  stored     {stored:,} {'entry' if stored == 1 else 'entries'}, {found.storage_bytes / 1e6:,.1f} MB",
    ]
    if found.provider_cached_tokens:
        shown = f"{found.provider_cached_tokens:,} tokens, ${found.provider_saved_dollars:,.4f}"
        told.append(f"  besides    {shown} by the providers' own caches, which is no merit of ours")
    compared = sum(found.audits.values())
    if compared or found.false_hits:
        differed = found.audits.get("different", 0)
        told.append(f"  trust      {found.false_hits} called wrong; {differed} of {compared} audited hits differed")
    if len(found.series) > 1:
        told.append(f"  hit rate   {_spark(found)}")
    if found.problem:
        told.append(f"  problem    statistics are not written: {line(found.problem)}")
    return [
        *told,
        f"  prices     list prices, the newest of {found.prices_as_of}; unknown ones count as nothing",
    ]


def _spark(found: Stats) -> str:
    """Hit rate over the range, a column for a few of its points; a gap where nothing was asked."""
    each = -(-len(found.series) // _WIDTH)
    groups = [found.series[number : number + each] for number in range(0, len(found.series), each)]
    shown = ""
    for group in groups:
        total = sum(sum(point.by_status.values()) for point in group)
        hits = sum(count for point in group for status, count in point.by_status.items() if status.startswith("hit"))
        shown += " " if not total else _BARS[1 + round(hits / total * (len(_BARS) - 2))]
    return shown


def _latencies(latencies: Mapping[str, Percentiles]) -> Table:
    table = _table("answered by", "count", "p50", "p90", "p99")
    for status in sorted(latencies, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)):
        found = latencies[status]
        table.add_row(status, f"{found.count:,}", *map(_milliseconds, (found.p50, found.p90, found.p99)))
    return table


def _models(found: Stats) -> Table:
    table = _table("model", "exchanges", "hits", "tokens saved", "saved")
    for row in found.top_models:
        saved = "unknown" if row.saved_dollars is None else f"${row.saved_dollars:,.4f}"
        table.add_row(line(row.model, 40), f"{row.exchanges:,}", f"{row.hits:,}", f"{row.saved_tokens:,}", saved)
    return table


def _questions(found: Stats) -> Table:
    table = _table("question", "hits")
    for row in found.top_questions:
        table.add_row(line(row.question, 80), f"{row.hits:,}")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _milliseconds(number: float) -> str:
    return f"{number / 1000:,.1f} s" if number >= 1000 else f"{number:.1f} ms" if number >= 1 else f"{number:.2f} ms"
