"""Figures of a training run: average precision, recall at a precision; NaN where nothing is the same."""

import sys
from math import nan
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "core"))  # the training environment has PyTorch, not Reflex

from reflexd_core.meaning import curves


def average_precision(scores: list[float], labels: list[int]) -> float:
    found = curves.average_precision(scores, [label == 1 for label in labels])
    return nan if found is None else found


def recall_at(scores: list[float], labels: list[int], precision: float) -> float:
    found = curves.recall_at(scores, [label == 1 for label in labels], precision)
    return nan if found is None else found
