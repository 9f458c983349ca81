"""What the commands about meaning share: the judge that serving uses, and a word on how far it has come."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from reflexd_io.cli import settings_of
from reflexd_io.inference import choose
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.judge import Judge
from reflexd_io.models import UNCALIBRATED, calibration_of

T = TypeVar("T")

BATCH = 256
"""Pairs that are held at once."""


def load_judge(args: argparse.Namespace) -> Judge:
    """With the calibration in force: a threshold set by hand, else what was tuned, else what ships.

    Raises `UnusableModel` where a model is missing, or `BadSetting`.
    """
    settings = settings_of(args)
    loaded = choose.load(
        settings.inference_backend, model_path=settings.model_path, reranker_path=settings.reranker_path
    )
    if loaded.embedder is None or loaded.verifier is None:
        raise UnusableModel("; ".join(loaded.problems) or "the models are switched off (REFLEX_INFERENCE_BACKEND)")
    calibration = calibration_of(loaded.verifier, settings) or UNCALIBRATED
    if settings.reranker_threshold is not None:
        calibration = replace(calibration, threshold=settings.reranker_threshold, band=0.0)
    return Judge(loaded.embedder, loaded.verifier, calibration)


def counted(batches: Iterator[list[T]], what: str) -> Iterator[list[T]]:
    """The batches; how many items have gone by is told on a terminal's stderr, where somebody may be waiting."""
    watched, done = sys.stderr.isatty(), 0
    for batch in batches:
        yield batch
        done += len(batch)
        if watched:
            print(f"\r{done} {what}", end="", file=sys.stderr, flush=True)
    if watched and done:
        print(file=sys.stderr)
