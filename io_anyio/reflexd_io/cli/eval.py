"""``reflexd eval FILE``: how good the judgement is on pairs that somebody labelled.

The label of a pair is whether the answer stored for ``a``, unchanged, fully satisfies the one who asks ``b``.
"""

import argparse
import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from reflexd_core.meaning.figures import Figures, Outcome, Rate, figures
from reflexd_io.cli import fail
from reflexd_io.cli.cache_sim import Simulated, simulate
from reflexd_io.cli.judging import BATCH, counted, load_judge
from reflexd_io.cli.pairs import BadPairs, LabelledPair, in_batches, read_labelled
from reflexd_io.inference.errors import InferenceFailed, UnusableModel
from reflexd_io.inference.judge import Judge, Judged


def evaluate(args: argparse.Namespace) -> int:
    try:
        judge = load_judge(args)
        if args.cache_sim:
            found = simulate(judge, read_labelled(args.file))
            if not found.asked:
                return fail(f"{args.file} holds no pairs")
            _show_simulated(found, as_json=args.json)
            return 0
        measured = measure(judge, args.file)
    except (BadPairs, InferenceFailed, UnusableModel) as error:
        return fail(str(error))
    if not measured.pairs:
        return fail(f"{args.file} holds no pairs")
    if args.json:
        print(json.dumps({"threshold": judge.calibration.needed, **asdict(measured)}))
    else:
        _show(measured, judge.calibration.needed)
    return 0


def measure(judge: Judge, name: str) -> Figures:
    outcomes: list[Outcome] = []
    named = False
    for pairs in counted(in_batches(read_labelled(name), BATCH), "pairs"):
        named |= any(pair.named for pair in pairs)
        judged = judge.judge([(pair.a, pair.b) for pair in pairs])
        outcomes += [_outcome(pair, each) for pair, each in zip(pairs, judged, strict=True)]
    return figures(outcomes, by_unit=named)


def _outcome(pair: LabelledPair, judged: Judged) -> Outcome:
    return Outcome(
        label=pair.label,
        accepted=judged.accepted,
        reason=judged.reason,
        score=judged.score,
        similarity=-1.0 if judged.similarity is None else judged.similarity,
        unit=pair.unit,
        pair=f"{pair.a}\0{pair.b}",
    )


def _show(found: Figures, threshold: float) -> None:
    console = Console()
    console.print(
        f"{found.pairs} pairs, {found.same} the same; accepted at a score of {threshold:.3f}: {found.accepted}"
    )
    counted_by = "units" if found.by_unit else "pairs"
    console.print(f"  precision  {_rated(found.precision)} of {counted_by}")
    console.print(f"  recall     {_rated(found.recall)}")
    console.print(f"  false hits {found.false_hits_per_1000:.1f} per 1,000 pairs")
    for row in found.at_base_rates:
        console.print(
            f"  precision where {row.base_rate:.0%} are the same: {_share(row.precision)}"
            f" ({row.interval.low:.3f} to {row.interval.high:.3f})"
        )
    console.print(_rankings(found))
    console.print(_calibration(found))
    console.print("  ".join(f"{reason} {count}" for reason, count in found.reasons.items()), highlight=False)


def _rankings(found: Figures) -> Table:
    precisions = next(iter(found.rankings.values())).recall_at
    table = Table(title="ranked by", title_justify="left")
    table.add_column("")
    for column in ("AP", *(f"recall at {precision:.2f}" for precision in precisions)):
        table.add_column(column, justify="right")
    for name, ranking in found.rankings.items():
        table.add_row(name, _share(ranking.average_precision), *(_share(each) for each in ranking.recall_at.values()))
    return table


def _calibration(found: Figures) -> Table:
    table = Table(title=f"calibration (mean error {_share(found.calibration_error)})", title_justify="left")
    for column in ("score", "pairs", "mean score", "the same", "95 % interval"):
        table.add_column(column, justify="right")
    for row in found.calibration:
        if row.right.total:
            table.add_row(
                f"{row.low:.1f} to {row.high:.1f}",
                str(row.right.total),
                _share(row.score),
                _share(row.right.rate),
                f"{row.interval.low:.3f} to {row.interval.high:.3f}",
            )
    return table


def _show_simulated(found: Simulated, *, as_json: bool) -> None:
    if as_json:
        rates = {name: getattr(found, name) for name in ("precision", "recall", "false_hits_per_1000")}
        print(json.dumps({**asdict(found), **rates}))
        return
    print(
        f"{found.stored} questions stored, {found.asked} asked\n"
        f"  right    {found.right}\n"
        f"  wrong    {found.wrong} ({found.unlabelled} of them with an entry that no label speaks of)\n"
        f"  missed   {found.missed} that some stored answer would have served\n"
        f"  refused  {found.refused} rightly\n"
        f"  precision {_share(found.precision)}, recall {_share(found.recall)}, "
        f"false hits {found.false_hits_per_1000:.1f} per 1,000 asked"
    )


def _rated(rate: Rate) -> str:
    bounds = f"95 % interval {rate.interval.low:.3f} to {rate.interval.high:.3f}"
    return f"{_share(rate.value)} ({bounds}): {rate.count.of} of {rate.count.total}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
