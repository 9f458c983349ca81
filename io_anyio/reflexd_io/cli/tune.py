"""``reflexd tune``: score and threshold fitted to what this user's own hits by meaning proved to be.

It reads what the tenants' stores hold: pairs that somebody called wrong, and audits that could tell. A pair that form
or guard decides is left out, since no score speaks there. The outcome is read when the daemon starts.

Decision: all tenants are tuned together, since one alone hardly gathers enough; the file says nothing of whose pairs
it came from.
"""

import argparse
import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from math import ceil, log1p
from pathlib import Path

from reflexd_core.meaning.calibration import Calibration
from reflexd_core.meaning.trials import Scored
from reflexd_core.meaning.tuning import Fit, fit
from reflexd_io import tuning
from reflexd_io.cli import fail, settings_of
from reflexd_io.cli.judging import BATCH, counted, load_judge
from reflexd_io.cli.pairs import in_batches
from reflexd_io.inference.errors import InferenceFailed, UnusableModel
from reflexd_io.inference.judge import Judge
from reflexd_io.store import pairings, schema
from reflexd_io.store.pairings import KEPT_AUDITS, AuditVerdict
from reflexd_io.tuning import Tuned


class UnreadableStore(Exception):  # noqa: N818 - it says what the file is
    """A tenant's file cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one pair."""

    a: str
    b: str
    label: bool


def tune(args: argparse.Namespace) -> int:
    storage = settings_of(args).storage_path
    try:
        if args.reset:
            return _reset(storage, as_json=args.json)
        known = gather(storage)
        judge = load_judge(args)
        trials = scored(judge, known)
        found = fit(trials, judge.calibration, precision=args.precision, confidence=args.confidence)
        if found.calibration is None:
            return fail(_why_not(trials, found, args.precision, args.confidence))
        tuned = Tuned(
            verifier=judge.verifier.facts.fingerprint,
            calibration=found.calibration,
            labels=len(trials),
            at=time.time(),
        )
        if not args.dry_run:
            tuning.write(storage, tuned)
    except (UnreadableStore, InferenceFailed, UnusableModel, OSError) as error:
        return fail(str(error))
    _tell(tuned, found, sum(not trial.label for trial in trials), judge.calibration, args)
    return 0


def gather(storage: Path) -> list[Known]:
    """Every pair of all tenants of which something is known, once. Raises `UnreadableStore`.

    What a person said outranks what a comparison of answers found; of each the latest counts.
    """
    found: dict[tuple[str, str], Known] = {}
    said: dict[tuple[str, str], Known] = {}
    for path in sorted((storage / "tenants").glob("*.sqlite3")):
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)) as connection:
                if not schema.check(connection):  # not opened since this version came: nothing is known in it
                    continue
                for audit in reversed(pairings.audits(connection, KEPT_AUDITS, None)):
                    if audit.verdict is not AuditVerdict.UNSURE:
                        same = audit.verdict is AuditVerdict.SAME
                        found[audit.stored, audit.asked] = Known(audit.stored, audit.asked, same)
                said |= {(each.a, each.b): Known(each.a, each.b, each.label) for each in pairings.labels(connection)}
        except (sqlite3.Error, schema.NewerSchema, ValueError) as error:
            raise UnreadableStore(f"{path}: {error}") from error
    return list((found | said).values())


def scored(judge: Judge, known: Sequence[Known]) -> list[Scored]:
    """Those on which the verifier's score decides. One stored question is one unit."""
    trials: list[Scored] = []
    for some in counted(in_batches(iter(known), BATCH), "pairs"):
        for each, judged in zip(some, judge.judge([(each.a, each.b) for each in some]), strict=True):
            if judged.reason in ("verified", "below-threshold"):
                trials.append(Scored(judged.score, each.label, each.a, each.b))
    return trials


def _reset(storage: Path, *, as_json: bool) -> int:
    removed = tuning.forget(storage)
    if as_json:
        print(json.dumps({"status": "reset" if removed else "nothing-to-reset"}))
    else:
        print("The verifier's own calibration is in force again." if removed else "Nothing was tuned.")
    return 0


def _why_not(trials: Sequence[Scored], found: Fit, precision: float, confidence: float) -> str:
    units = len({trial.unit for trial in trials})
    needed = ceil(log1p(-confidence) / log1p(-(1.0 - precision)))
    asked_for = f"a precision of {precision:g} at {confidence:.0%} confidence"
    if not found.choice.steps:
        return (
            f"too few labels: {len(trials)} pairs of {units} stored questions are known, and {asked_for} takes "
            f"{needed} questions above the threshold, were all of them right; audits and `reflexd wrong` add to them"
        )
    wrong = found.choice.steps[0].wrong
    return (
        f"no threshold gives {asked_for}: above {found.choice.steps[0].threshold:.3f}, {wrong.of} of {wrong.total} "
        'were wrong; set semantic = "shadow" until that is better, or ask for less with --precision'
    )


def _tell(tuned: Tuned, found: Fit, wrong: int, before: Calibration, args: argparse.Namespace) -> None:
    last = next(step for step in found.choice.steps if step.threshold == found.choice.threshold)
    if args.json:
        evidence = {
            "wrong": last.wrong.of,
            "of": last.wrong.total,
            "bound": last.bound,
            "confidence": args.confidence,
        }
        told = {"written": not args.dry_run, **asdict(tuned), "wrong": wrong, "threshold_before": before.needed}
        print(json.dumps({**told, "evidence": evidence}))
        return
    curve = "as it was" if tuned.calibration.strict == before.strict else "refitted"
    print(
        f"{tuned.labels} labels, {wrong} of them wrong; the curve is {curve}.\n"
        f"  threshold  {before.needed:.3f} → {tuned.calibration.needed:.3f}\n"
        f"  evidence   {last.wrong.of} of {last.wrong.total} stored questions were answered wrongly above it: "
        f"at most {last.bound:.1%} are, at {args.confidence:.0%} confidence\n"
        + ("Nothing was written (--dry-run)." if args.dry_run else "`reflexd serve` reads it at its next start.")
    )
