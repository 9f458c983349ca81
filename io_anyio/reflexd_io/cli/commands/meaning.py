"""The commands about hits by meaning: ``wrong``, ``audits``, ``judge``, ``eval`` and ``tune``."""

import argparse

from reflexd_io.cli.commands.base import Commands


def add(commands: Commands) -> None:
    common, configured = commands.common, commands.configured
    wrong = commands.add("wrong", "feedback:wrong", common, help="say that an answer to other words was wrong")
    wrong.add_argument("entry", metavar="ENTRY", help="X-Reflex-Entry of the answer")
    wrong.add_argument("exchange", metavar="EXCHANGE", help="X-Reflex-Exchange of the answer")
    audits = commands.add("audits", "feedback:audits", common, help="how often hits by meaning proved right")
    audits.add_argument("--tenant", metavar="NAME", help="whose (default: the active tenant)")
    judge = commands.add("judge", "judge:judge", configured, help="say of pairs of questions what serving would")
    judge.add_argument("file", metavar="FILE", help="JSON Lines with a (stored) and b (asked); .gz too; -: stdin")
    evaluated = commands.add("eval", "eval:evaluate", common, help="measure the judgement on labelled pairs")
    evaluated.add_argument("file", metavar="FILE", help="as for judge, with label (1: the answer serves), and unit")
    evaluated.add_argument("--cache-sim", action="store_true", help="store every a, then ask every b")
    tune = commands.add("tune", "tune:tune", common, help="fit score and threshold to your own labels and audits")
    tune.add_argument("--precision", type=_share, default=0.97, metavar="P", help="of hits by meaning (default 0.97)")
    tune.add_argument("--confidence", type=_share, default=0.95, metavar="C", help="that it holds (default 0.95)")
    tune.add_argument("--dry-run", action="store_true", help="write nothing")
    tune.add_argument("--reset", action="store_true", help="go back to what the verifier came with")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError("expected a number above 0 and below 1")
    return share
