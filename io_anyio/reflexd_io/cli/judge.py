"""``reflexd judge FILE``: what serving would decide about each pair, by the code that serves, eligibility apart.

A line in, a line out, in order; what has been judged stands on stdout when a later line turns out to be bad.
"""

import argparse
import json
import sys

from reflexd_io.cli import fail
from reflexd_io.cli.judging import BATCH, counted, load_judge
from reflexd_io.cli.pairs import BadPairs, in_batches, read_pairs
from reflexd_io.inference.errors import InferenceFailed, UnusableModel
from reflexd_io.inference.judge import Judged


def judge(args: argparse.Namespace) -> int:
    try:
        judging = load_judge(args)
        for pairs in counted(in_batches(read_pairs(args.file), BATCH), "pairs"):
            for judged in judging.judge([(pair.a, pair.b) for pair in pairs]):
                sys.stdout.write(f"{json.dumps(_row(judged))}\n")
            sys.stdout.flush()
    except (BadPairs, InferenceFailed, UnusableModel) as error:
        return fail(str(error))
    return 0


def _row(judged: Judged) -> dict[str, object]:
    return {
        "similarity": judged.similarity,
        "score": judged.score,
        "guard": judged.guard,
        "reason": judged.reason,
        "accepted": judged.accepted,
        "words": list(judged.words),
    }
