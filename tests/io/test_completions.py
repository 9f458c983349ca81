"""Completions: each shell that is here takes what it is given."""

import os
import shutil
import subprocess
import sys

import pytest

from reflexd_io.cli import main, parser


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_the_shell_can_read_them(shell: str, check: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["completions", shell])
    script = capsys.readouterr().out
    assert "completions" in script
    assert "serve" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, check], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_a_command_and_its_flags() -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    asked = (
        f'eval "$({sys.executable} -m reflexd_io.cli completions bash)"\n'
        'COMP_WORDS=(reflexd ser); COMP_CWORD=1; COMP_LINE="reflexd ser"; COMP_POINT=11; _shtab_reflexd\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)
    assert set(done.stdout.split()) == {"serve", "service"}, done.stderr


def test_every_command_says_what_it_does() -> None:
    (commands,) = [action for action in parser()._actions if action.dest == "command"]
    assert commands.choices
    assert {choice.dest for choice in commands._choices_actions} == set(commands.choices)  # type: ignore[attr-defined]
    assert all(choice.help for choice in commands._choices_actions)  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes that are closed are POSIX's")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_reader_that_has_seen_enough_is_no_accident(shell: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        line = [sys.executable, "-m", "reflexd_io.cli", "completions", shell]
        done = subprocess.run(line, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
