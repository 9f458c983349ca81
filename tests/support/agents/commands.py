"""The command line within this process, with nothing of the machine's own environment but its paths."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from reflexd_io.cli import main


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Reflexd = Callable[..., Done]


def reflexd_with(
    variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Reflexd:
    for name in os.environ:
        if name not in ("PATH", "LANG", "SYSTEMROOT"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def run(*args: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(args)
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, said.out, said.err)

    return run
