"""``reflexd tauq``, as a real process: files and pipes, both ways, and what it says of bad ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def _tauq(*args: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-W", "error", "-m", "reflexd_io.cli", "tauq", *args]
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False)


USERS = b'{"users": [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Z\xc3\xbcri"}]}'
TAUQ = "!def User id name\n---\nusers [\n  !use User\n  1 Ann\n  2 Züri\n]\n".encode()


def test_a_pipe_both_ways() -> None:
    encoded = _tauq("encode", given=USERS)
    assert (encoded.returncode, encoded.stdout, encoded.stderr) == (0, TAUQ, b"")
    decoded = _tauq("decode", "-", given=encoded.stdout)
    assert (decoded.returncode, decoded.stdout, decoded.stderr) == (0, USERS + b"\n", b"")


def test_files_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_bytes(b"\xef\xbb\xbf" + USERS)
    assert _tauq("encode", str(file)).stdout == TAUQ
    file.write_bytes(TAUQ.replace(b"\n", b"\r\n"))
    assert json.loads(_tauq("decode", str(file)).stdout) == json.loads(USERS)


@pytest.mark.parametrize(
    ("flags", "written"),
    [
        (["--minify"], "!def User id name;---;users [!use User;1 Ann;2 Züri]\n"),
        (["--minify", "--commas"], "!def User id,name;---;users [!use User;1,Ann;2,Züri]\n"),
        (["--minify", "--no-schemas"], "users [{ id 1 name Ann } { id 2 name Züri }]\n"),
    ],
)
def test_styles(flags: list[str], written: str) -> None:
    assert _tauq("encode", *flags, given=USERS).stdout == written.encode()


@pytest.mark.parametrize(
    ("direction", "given", "said"),
    [
        ("encode", b'{"a":\n 1,}', "standard input is not JSON that can be kept as it is: line 2, column 4: "),
        ("encode", b'{"a":1,"a":2}', "duplicate key"),
        ("encode", b"[1e400]", "a number that a double cannot hold"),
        ("encode", b"", "line 1, column 1: "),
        ("encode", b"[" * 100_000, "it is nested too deep"),
        ("encode", b"[" * 101 + b"]" * 101, "keep it as JSON: it is nested deeper than 100 levels"),
        ("encode", b"18446744073709551616", "keep it as JSON: it holds an integer beyond 64 bits"),
        ("encode", b'"\\ud800"', "keep it as JSON: it holds a lone surrogate"),
        ("encode", b"\xff", "standard input is not UTF-8: byte 1 cannot be read"),
        ("decode", b"a 1\nb {c", "standard input is not Tauq: line 2, column 5: expected a value for 'c'"),
        ("decode", b'a 1\n\nb "x', "line 3, column 3: the string that begins here has no closing quote"),
        ("decode", b"[" * 10_000, "line 1, column 101: lists and objects are nested deeper than 100"),
        ("decode", b'!import "x.tqn"', "line 1, column 1: !import would read a file"),
        ("decode", b"a \xc3", "standard input is not UTF-8: byte 3 cannot be read"),
    ],
)
def test_what_cannot_be_turned(direction: str, given: bytes, said: str) -> None:
    done = _tauq(direction, given=given)
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("reflexd: ")
    assert said in line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = _tauq("decode", str(tmp_path / "none.tqn"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"reflexd: cannot read {tmp_path / 'none.tqn'}: No such file or directory\n"


@pytest.mark.parametrize("args", [(), ("recode",), ("decode", "--minify"), ("encode", "a", "b"), ("encode", "--min")])
def test_wrong_use(args: tuple[str, ...]) -> None:
    done = _tauq(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("reflexd")
    assert "--help" in line


@pytest.mark.parametrize(
    ("args", "named"), [((), "encode"), (("encode",), "--no-schemas"), (("encode",), "FILE"), (("decode",), "FILE")]
)
def test_help_names_what_there_is(args: tuple[str, ...], named: str) -> None:
    done = _tauq(*args, "--help")
    assert done.returncode == 0
    assert named in done.stdout.decode()
