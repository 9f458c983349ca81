"""`reflexd judge` and `reflexd eval` as real processes, with models of the tiniest kind, and with those that ship."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import tiny
from support.models import needs_models

FIELDS = {"similarity", "score", "guard", "reason", "accepted"}
PAIRS: list[dict[str, Any]] = [
    {"a": "how do i sort a list in python", "b": "How do I sort a list in Python?", "label": 1},
    {"a": "sort a list descending", "b": "sort a list ascending", "label": 0},
    {"a": "how to sort", "b": "sort " * 200, "label": 0},
    {"a": "", "b": "sort", "label": 0},
    {"a": "list in python", "b": "python in list", "label": 0, "unit": "u"},
]
LINES = "".join(f"{json.dumps(pair)}\n" for pair in PAIRS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user's environment that names models of his own."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "REFLEX_MODEL_PATH": str(tiny.write(folder / "embedder", tiny.BERT, tiny.bert())),
        "REFLEX_RERANKER_PATH": str(tiny.write(folder / "verifier", tiny.BERT, tiny.bert(labels=2))),
    }


def _run(env: dict[str, str], tmp_path: Path, *args: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REFLEX_")}
    own = {"HOME": str(tmp_path), "REFLEX_STORAGE_PATH": str(tmp_path / "storage"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "reflexd_io.cli", *args]
    return subprocess.run(
        command, env={**kept, **own, **env}, input=given, capture_output=True, timeout=120, check=False
    )


def _rows(done: "subprocess.CompletedProcess[bytes]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_line_out_for_a_line_in(models: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(LINES)
    done = _run(models, tmp_path, "judge", str(tmp_path / "pairs.jsonl"))
    assert (done.returncode, done.stderr) == (0, b"")
    rows = _rows(done)
    assert len(rows) == len(PAIRS)
    for row in rows:
        assert set(row) >= FIELDS
        assert isinstance(row["score"], float)
    assert [row["reason"] for row in rows[:4]] == ["normal-form", "guard-opposite", "too-long", "unreadable"]
    assert [row["accepted"] for row in rows[:4]] == [True, False, False, False]
    assert rows[1]["guard"] == "opposite"
    assert rows[3]["similarity"] is None
    assert not (tmp_path / "storage").exists()  # it only reads


def test_gzip_and_standard_input_say_the_same(models: dict[str, str], tmp_path: Path) -> None:
    plain = _run(models, tmp_path, "judge", "-", given=LINES.encode())
    packed = _run(models, tmp_path, "judge", "-", given=gzip.compress(LINES.encode()))
    assert plain.returncode == packed.returncode == 0
    assert plain.stdout == packed.stdout != b""


def test_a_bad_line_ends_it_after_what_came_before(models: dict[str, str], tmp_path: Path) -> None:
    done = _run(models, tmp_path, "judge", "-", given=LINES.encode() + b'{"a": 1, "b": "x"}\n' + LINES.encode())
    assert done.returncode == 1
    assert len(_rows(done)) == len(PAIRS)
    assert done.stderr == b"reflexd: stdin, line 6: a must be a text\n"


@pytest.mark.parametrize("command", ["judge", "eval", "tune"])
def test_a_model_that_is_not_there_is_said(command: str, tmp_path: Path) -> None:
    file = ["-"] if command != "tune" else []
    done = _run({"REFLEX_RERANKER_PATH": str(tmp_path / "none")}, tmp_path, command, *file)
    assert (done.returncode, done.stdout) == (1, b"")
    assert str(tmp_path / "none").encode() in done.stderr
    assert len(done.stderr.splitlines()) == 1
    off = _run({"REFLEX_INFERENCE_BACKEND": "off"}, tmp_path, command, *file)
    assert off.returncode == 1
    assert b"REFLEX_INFERENCE_BACKEND" in off.stderr


def test_eval_counts(models: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text(LINES)
    env = {**models, "REFLEX_RERANKER_THRESHOLD": "1"}  # so that no score of random weights accepts anything
    found = json.loads(_run(env, tmp_path, "eval", "--json", str(tmp_path / "pairs")).stdout)
    assert (found["pairs"], found["same"], found["accepted"], found["by_unit"]) == (5, 1, 1, True)
    assert found["precision"]["count"] == {"of": 1, "total": 1}
    assert found["recall"]["value"] == 1.0
    assert found["false_hits_per_1000"] == 0.0
    assert [row["base_rate"] for row in found["at_base_rates"]] == [0.5, 0.2, 0.05, 0.02]
    assert set(found["rankings"]) == {"similarity", "score", "served"}
    assert set(found["rankings"]["served"]["recall_at"]) == {"0.9", "0.95", "0.98", "0.99"}
    assert len(found["calibration"]) == 10
    assert found["threshold"] == 1.0
    shown = _run(env, tmp_path, "eval", str(tmp_path / "pairs")).stdout.decode()
    for expected in ("precision", "recall at 0.98", "false hits 0.0 per 1,000", "calibration", "guard-opposite 1"):
        assert expected in shown


def test_eval_simulates_a_cache(models: dict[str, str], tmp_path: Path) -> None:
    env = {**models, "REFLEX_RERANKER_THRESHOLD": "1"}
    done = _run(env, tmp_path, "eval", "--cache-sim", "--json", "-", given=LINES.encode())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["stored"], found["asked"]) == (4, 5)
    assert (found["right"], found["wrong"], found["missed"], found["refused"]) == (1, 0, 0, 4)
    shown = _run(env, tmp_path, "eval", "--cache-sim", "-", given=LINES.encode()).stdout.decode()
    assert "4 questions stored, 5 asked" in shown


@pytest.mark.parametrize("flags", [(), ("--cache-sim",), ("--json",)])
def test_a_file_without_pairs_is_said(models: dict[str, str], flags: tuple[str, ...], tmp_path: Path) -> None:
    done = _run(models, tmp_path, "eval", "-", *flags)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no pairs" in done.stderr


@needs_models
def test_the_models_that_ship_know_a_rewording_from_a_near_miss(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"a": a, "b": b}) + "\n"
        for a, b in (
            ("How do I center a div horizontally in CSS?", "css: what's the way to centre a div horizontally"),
            ("sort a list descending in python", "sort a list ascending in python"),
            ("How do I boil an egg?", "How do I mount a USB drive in Linux?"),
        )
    )
    done = _run({}, tmp_path, "judge", "-", given=lines.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    same, near, far = _rows(done)
    assert same["accepted"] is True
    assert near["reason"] == "guard-opposite"
    assert far["reason"] in ("below-threshold", "nothing-near")
    assert same["score"] > near["score"] > 0
