"""`reflexd tune`: what it gathers from the tenants' stores, when it refuses, and what it writes."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reflexd_io import tuning
from reflexd_io.cli import main
from reflexd_io.cli import tune as command
from reflexd_io.cli.tune import Known, UnreadableStore, gather, scored
from reflexd_io.store import pairings, schema
from reflexd_io.store.pairings import Audit, AuditVerdict, Label
from support.judging import CALIBRATION, word_judge

STORED = [f"how do i make x of {n} in python" for n in range(300)]


def _asked(stored: str) -> str:
    return stored.replace("how do i make", "make")


class Stores:
    def __init__(self, storage: Path) -> None:
        self.storage = storage
        (storage / "tenants").mkdir(parents=True)

    def add(self, *items: Label | Audit, tenant: str = "default") -> None:
        with closing(sqlite3.connect(self.storage / "tenants" / f"{tenant}.sqlite3", isolation_level=None)) as file:
            schema.prepare(file)
            file.execute("BEGIN")
            for item in items:
                match item:
                    case Label():
                        pairings.add_label(file, item)
                    case Audit():
                        pairings.add_audit(file, item)
            file.execute("COMMIT")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path / "storage")


def _label(a: str, b: str, label: bool, at: float = 1.0) -> Label:
    return Label(a=a, b=b, label=label, source="wrong", at=at)


def _audit(stored: str, asked: str, verdict: AuditVerdict) -> Audit:
    return Audit(
        entry_key=b"e",
        asked_key=b"a",
        stored=stored,
        asked=asked,
        score=0.9,
        similarity=0.9,
        model="m",
        verdict=verdict,
        at=1,
    )


def _audits(right: int, wrong: int = 0) -> list[Audit]:
    verdicts = [AuditVerdict.SAME] * right + [AuditVerdict.DIFFERENT] * wrong
    return [_audit(stored, _asked(stored), verdict) for stored, verdict in zip(STORED, verdicts, strict=False)]


def _tune(
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *flags: str,
    logit: float = 4.0,
) -> tuple[int, str, str]:
    pairs = {(stored, _asked(stored)): logit for stored in STORED}
    monkeypatch.setattr(command, "load_judge", lambda _: word_judge(pairs))
    with pytest.raises(SystemExit) as ended:
        main(["tune", "--storage-path", str(stores.storage), *flags])
    out, err = capsys.readouterr()
    code = ended.value.code
    assert isinstance(code, int)
    return code, out, err


def test_what_is_known_is_gathered_from_every_tenant(stores: Stores) -> None:
    stores.add(
        _audit("a", "b", AuditVerdict.SAME),
        _audit("a", "c", AuditVerdict.UNSURE),
        _audit("a", "d", AuditVerdict.DIFFERENT),
        _audit("a", "d", AuditVerdict.SAME),  # the later one counts
        _audit("a", "e", AuditVerdict.SAME),
    )
    stores.add(_label("a", "e", False), _label("f", "g", True), tenant="other")  # a person outranks an audit
    assert sorted(gather(stores.storage), key=lambda each: each.b) == [
        Known("a", "b", True),
        Known("a", "d", True),
        Known("a", "e", False),
        Known("f", "g", True),
    ]


def test_nothing_stored_is_nothing_known(tmp_path: Path) -> None:
    assert gather(tmp_path / "never") == []


def test_a_file_of_an_older_version_is_passed_over_and_a_newer_one_is_named(stores: Stores) -> None:
    stores.add(_label("a", "b", True))
    tenants = stores.storage / "tenants"
    with closing(sqlite3.connect(tenants / "older.sqlite3")) as file:
        file.execute("CREATE TABLE migrations (name TEXT)")
        file.commit()
    assert gather(stores.storage) == [Known("a", "b", True)]
    with closing(sqlite3.connect(tenants / "newer.sqlite3")) as file:
        file.execute("CREATE TABLE migrations (name TEXT)")
        file.execute("INSERT INTO migrations VALUES ('9999-later')")
        file.commit()
    with pytest.raises(UnreadableStore, match=r"newer\.sqlite3"):
        gather(stores.storage)


def test_a_broken_file_is_named(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (stores.storage / "tenants" / "broken.sqlite3").write_bytes(b"no database" * 1000)
    code, out, err = _tune(stores, monkeypatch, capsys)
    assert (code, out) == (1, "")
    assert "broken.sqlite3" in err


def test_only_pairs_on_which_the_score_decides_are_tried() -> None:
    known = [
        Known("sort a list in python", "list sort in python", True),
        Known("sort a list", "Sort a list?", True),  # the form decides
        Known("sort a list descending", "sort a list ascending", False),  # a guard does
        Known("word " * 200, "word", False),  # not seen
    ]
    (trial,) = scored(word_judge(), known)
    assert (trial.label, trial.unit, trial.pair) == (True, known[0].a, known[0].b)
    assert 0 < trial.score < 1


def test_too_few_labels_are_refused_in_words(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stores.add(*_audits(50))
    code, out, err = _tune(stores, monkeypatch, capsys)
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("reflexd: too few labels: 50 pairs of 50 stored questions")
    assert "99 questions" in line
    assert not (stores.storage / tuning.NAME).exists()
    code, _, err = _tune(stores, monkeypatch, capsys, "--precision", "0.9")
    assert code == 0  # 29 are enough for that


def test_too_many_wrong_ones_are_refused_in_words(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stores.add(*_audits(100, 30))
    code, out, err = _tune(stores, monkeypatch, capsys, "--json")
    assert (code, out) == (1, "")
    assert "no threshold gives a precision of 0.97" in err
    assert "30 of 130 were wrong" in err
    assert "shadow" in err
    assert not (stores.storage / tuning.NAME).exists()


def test_what_was_tuned_is_written_and_reset(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stores.add(*_audits(200))
    code, out, err = _tune(stores, monkeypatch, capsys, "--json")
    assert (code, err) == (0, "")
    told: dict[str, Any] = json.loads(out)
    assert (told["written"], told["labels"], told["wrong"], told["threshold_before"]) == (True, 200, 0, 0.9)
    assert told["evidence"]["of"] == 200
    assert told["evidence"]["bound"] < 0.03
    tuned = tuning.read(stores.storage)
    assert tuned is not None
    assert (tuned.verifier, tuned.labels) == ("words", 200)
    assert tuned.calibration.needed == pytest.approx(CALIBRATION.needed)
    assert (stores.storage / tuning.NAME).stat().st_mode & 0o777 == 0o600
    code, out, _ = _tune(stores, monkeypatch, capsys, "--reset")
    assert (code, out) == (0, "The verifier's own calibration is in force again.\n")
    assert tuning.read(stores.storage) is None
    code, out, _ = _tune(stores, monkeypatch, capsys, "--reset", "--json")
    assert (code, json.loads(out)) == (0, {"status": "nothing-to-reset"})


def test_a_dry_run_writes_nothing(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stores.add(*_audits(200))
    code, out, err = _tune(stores, monkeypatch, capsys, "--dry-run")
    assert (code, err) == (0, "")
    assert "200 labels, 0 of them wrong; the curve is as it was." in out
    assert "threshold  0.900 → 0.900" in out
    assert "Nothing was written" in out
    assert not (stores.storage / tuning.NAME).exists()


@pytest.mark.parametrize("flag", ["--precision", "--confidence"])
@pytest.mark.parametrize("value", ["0", "1", "97", "x", "nan", ""])
def test_shares_lie_between_0_and_1(
    flag: str, value: str, stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _tune(stores, monkeypatch, capsys, flag, value)
    assert (code, out) == (2, "")
    assert flag in err
