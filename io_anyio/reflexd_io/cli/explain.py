"""``reflexd explain``: what became of one exchange, and why it missed."""

import argparse
from datetime import datetime

import msgspec

from reflexd_io.cli import Failed
from reflexd_io.cli.asking import answer, line
from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.common import Told
from reflexd_io.control_client.shapes.exchanges import (
    CandidateRow,
    Difference,
    ExchangeDetail,
    ExchangeQuery,
    Explained,
)

_MARKS = {"changed": "~", "added": "+", "removed": "-"}
_SHOWN = 40
"""Differences that are printed; all that are told stand in ``--json``."""


class _Both(Told, frozen=True, kw_only=True):
    exchange: ExchangeDetail
    explained: Explained


def explain(args: argparse.Namespace) -> int:
    name = args.exchange or _last(args)
    both = _Both(exchange=answer(args, calls.exchange(name)), explained=answer(args, calls.explain(name)))
    if args.json:
        print(msgspec.json.encode(both).decode())
        return 0
    print("\n".join([*_decision(both.exchange), "", *_reasons(both.explained)]))
    return 0


def _last(args: argparse.Namespace) -> str:
    rows = answer(args, calls.list_exchanges(ExchangeQuery(limit=1))).items
    if not rows:
        raise Failed("nothing was asked yet: point a client at the daemon, see `reflexd status`")
    return rows[0].id


def _decision(found: ExchangeDetail) -> list[str]:
    row = found.row
    status = f"{row.status} (coalesced)" if row.joined else row.status
    reason = f": {line(row.reason)}" if row.reason else ""
    who, what = line(row.client) or "some client", line(row.model) or "no model"
    told = [
        f"{row.id}  {_time(row.at)}  {who}, {row.dialect}, {what}, tenant {line(row.tenant) or 'unknown'}",
        f"  {status}{reason}; HTTP {row.http_status} in {row.ms:.1f} ms",
    ]
    if row.question:
        told.append(f"  asked      {line(row.question)}")
    if found.stored_question is not None:
        told.append(f"  stored     {line(found.stored_question)}")
    if row.input_tokens is not None and row.output_tokens is not None:
        told.append(f"  tokens     {row.input_tokens:,} in, {row.output_tokens:,} out{_saved(found)}")
    if found.tiers:
        told.append(
            "  tiers      " + " → ".join(f"{tier.name} {tier.outcome} ({tier.ms:.1f} ms)" for tier in found.tiers)
        )
    if found.rules:
        told.append(f"  rewrites   {', '.join(found.rules)}")
    if found.exact_only is not None:
        told.append(f"  meaning    not compared: {line(found.exact_only)}")
    return [*told, *(_candidate(one, found.threshold) for one in found.candidates)]


def _saved(found: ExchangeDetail) -> str:
    row = found.row
    if not row.saved_tokens:
        return ""
    money = "at an unknown price" if row.saved_dollars is None else f"${row.saved_dollars:.4f}"
    return f"; {row.saved_tokens:,} saved, {money}"


def _candidate(one: CandidateRow, threshold: float | None) -> str:
    told = [f"similarity {one.similarity:.4f}"] if one.similarity is not None else []
    if one.score is not None:
        told.append(f"score {one.score:.4f}" + (f" of {threshold:.4f}" if threshold is not None else ""))
    if one.guard is not None:
        told.append(f"refused by guard {one.guard}")
    if one.words:
        told.append(f"differs in {line(', '.join(one.words))}")
    mark = "✓" if one.accepted else "✗"
    return f"  {mark} {one.entry}  {line(one.question, 60)}\n      {'; '.join(told) or 'the same in normal form'}"


def _reasons(explained: Explained) -> list[str]:
    told = [line(explained.why, 300)]
    if explained.nearest is not None and explained.nearest_at is not None:
        told.append(f"  nearest    {explained.nearest}  {_time(explained.nearest_at)}")
    for one in explained.differences[:_SHOWN]:
        told += _difference(one)
    more = explained.more + max(0, len(explained.differences) - _SHOWN)
    if more:
        told.append(f"  … and {more:,} more")
    if explained.nearest is not None and explained.rules != explained.nearest_rules:
        told.append(f"  rewrites there: {', '.join(explained.nearest_rules) or 'none'}")
    return told


def _difference(one: Difference) -> list[str]:
    told = [f"  {_MARKS[one.kind]} {line(one.path, 200)}"]
    if one.before is not None:
        told.append(f"      was  {line(one.before, 180)}")
    if one.after is not None:
        told.append(f"      now  {line(one.after, 180)}")
    return told


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
