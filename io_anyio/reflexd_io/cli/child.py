"""A program run in our place: it has our terminal, gets our signals, and its exit code becomes ours.

On POSIX we become that program wherever nothing is left to do after it. Where it was lent a file we wait for it, pass
on what signals come to us alone, take the file away, and end as it ended.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from reflexd_io.cli import fail

_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")
_FROM_TERMINAL = ("SIGINT", "SIGQUIT")
"""The terminal sends them to the program as well: it decides, and we wait."""


def run_program(
    command: Sequence[str],
    environ: Mapping[str, str],
    lent: tuple[str, str, str] | None = None,
    private: Path | None = None,
) -> int:
    """Its exit code. ``lent``: a file's name and content, and the variable or flag by which the program finds it.

    ``private``: a folder that is the user's alone. Gemini CLI takes no settings from where others may write.
    """
    try:
        if lent is not None:
            if private is not None:
                private.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="run-", dir=private) as folder:
                code = _wait_for(*_given(command, environ, Path(folder), *lent))
            return _ended(code)
        if os.name == "posix":
            sys.stdout.flush()
            sys.stderr.flush()
            os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 - the user named the program
        return _ended(_wait_for(command, environ))
    except FileNotFoundError:
        return fail(f"there is no program {command[0]!r}", 127)
    except OSError as error:
        return fail(f"{command[0]} cannot be run: {error}", 126)


def _given(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, name: str, content: str, by: str
) -> tuple[Sequence[str], Mapping[str, str]]:
    path = folder / name
    path.write_bytes(content.encode())
    path.chmod(0o600)
    if not by.startswith("-"):
        return command, {**environ, by: str(path)}
    program, *rest = command
    return ([*command] if by in rest else [program, by, str(path), *rest]), environ


def _wait_for(command: Sequence[str], environ: Mapping[str, str]) -> int:
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        if child is not None:
            child.send_signal(number)

    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    passed_on = _PASSED_ON if at_terminal else (*_PASSED_ON, *_FROM_TERMINAL)
    for name in (*_PASSED_ON, *_FROM_TERMINAL):
        if number := getattr(signal, name, None):
            signal.signal(number, pass_on if name in passed_on else _ignored)
    child = subprocess.Popen(list(command), env=dict(environ))  # noqa: S603 - the user named the program
    return child.wait()


def _ignored(_: int, __: FrameType | None) -> None:
    """A handler and not SIG_IGN, which the program would inherit."""


def _ended(code: int) -> int:
    """Our exit code; where a signal ended the program, the same one ends us, so that shells see it."""
    if code >= 0:
        return code
    with suppress(OSError):  # SIGKILL has no handler to reset
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code
