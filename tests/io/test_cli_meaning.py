"""``reflexd judge``, ``eval`` and ``tune`` as people run them, with the models that ship."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

SAME = ("How do I center a div in CSS?", "css: how to centre a div")
OPPOSITE = ("sort a list ascending in python", "sort a list descending in python")
FAR = ("How do I center a div in CSS?", "What is the capital of Australia?")


def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "reflexd_io.cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)


def lines(*pairs: tuple[str, str], labels: tuple[int, ...] = ()) -> str:
    rows = [{"a": a, "b": b} for a, b in pairs]
    for row, label in zip(rows, labels, strict=False):
        row["label"] = label  # type: ignore[assignment]
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_judge_says_of_each_pair_in_order_what_serving_would(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl.gz"
    file.write_bytes(gzip.compress(lines(SAME, OPPOSITE, FAR, SAME).encode()))
    done = run("judge", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    same, opposite, far, again = map(json.loads, done.stdout.splitlines())
    assert {"similarity", "score", "guard", "reason", "accepted"} <= same.keys()
    assert (same["accepted"], same["reason"], same["guard"]) == (True, "verified", None)
    assert (opposite["accepted"], opposite["guard"]) == (False, "opposite")
    assert opposite["score"] > 0  # told also where a guard has spoken
    assert (far["accepted"], far["reason"]) == (False, "nothing-near")
    assert far["score"] < same["score"]
    assert again == same


def test_judge_reads_standard_input_and_has_a_reason_for_everything() -> None:
    odd = ("", "?"), ("x" * 50_000, "y"), ("\0", "🙂"), ("how to sort", "Please, how do I sort?")
    done = run("judge", "-", stdin=lines(*odd))
    assert done.returncode == 0
    judged = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["accepted"] for each in judged] == [False, False, False, True]
    assert judged[3]["reason"] == "normal-form"
    assert all(each["reason"] for each in judged)


@pytest.mark.parametrize("line", ["{", "[]", '{"a": "x"}', '{"a": 1, "b": "x"}'])
def test_a_bad_line_is_named(line: str) -> None:
    done = run("judge", "-", stdin=lines(SAME) + line + "\n")
    assert done.returncode == 1
    assert "line 2" in done.stderr


def test_eval_measures_labelled_pairs() -> None:
    done = run("eval", "-", "--json", stdin=lines(SAME, OPPOSITE, FAR, labels=(1, 0, 0)))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert "precision" in done.stdout
    assert "recall" in done.stdout
    assert figures


def test_the_cache_is_simulated() -> None:
    done = run("eval", "-", "--cache-sim", "--json", stdin=lines(SAME, OPPOSITE, FAR, labels=(1, 0, 0)))
    figures = json.loads(done.stdout)
    assert (figures["stored"], figures["asked"]) == (2, 3)
    assert (figures["right"], figures["wrong"], figures["missed"]) == (1, 0, 0)


def test_tune_refuses_in_words_where_there_are_too_few_labels(tmp_path: Path) -> None:
    done = run("tune", "--storage-path", str(tmp_path))
    assert done.returncode == 1
    assert "too few labels" in done.stderr
    assert not (tmp_path / "calibration.json").exists()
