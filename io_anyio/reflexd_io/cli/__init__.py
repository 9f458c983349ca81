"""The command line: ``reflexd``.

Data goes to stdout, everything else to stderr. Errors are one line that says what to do; where ``--json`` was asked
for, stdout has them too, in the shape of the control API's: ``{"error": {"code": …, "message": …}}``. Exit codes:
0 done, 1 failed (a supervisor need not restart), 2 used wrongly, 3 no daemon runs, 4 the provider did not take the
key, 130 interrupted.
"""

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from reflexd_io.cli.commands import parser
from reflexd_io.settings import Settings, load
from reflexd_io.values import BadFlag, BadSetting

__all__ = ["NOT_RUNNING", "Failed", "fail", "main", "parser", "setting_flags", "settings_of"]

NOT_RUNNING = 3
_UNWRITABLE = (errno.ENOSPC, errno.EIO, errno.EFBIG)
_WHAT = {1: "failed", 2: "usage", NOT_RUNNING: "not_running", 4: "refused"}
SETTING_FLAGS = ("port", "bind_addr", "storage_path", "log_level")


class Failed(Exception):  # noqa: N818 - it says what the command has done
    """A command cannot go on; the message says why, in one line."""

    def __init__(self, message: str, code: int = 1, *, what: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.what = what or _WHAT.get(code, "failed")
        """For programs, as the control API has it."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    args = parser().parse_args(argv)
    try:
        code = _told(args)
        sys.stdout.flush()  # here, where a reader that has gone is known: at the interpreter's end it is a complaint
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has seen enough
        _let_go_of_stdout()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        _let_go_of_stdout()
        sys.exit(fail(f"standard output cannot be written: {error.strerror or error}"))
    sys.exit(code)


def _told(args: argparse.Namespace) -> int:
    """Run it; what keeps it from going on is told."""
    try:
        return _run(args)
    except BadSetting as error:
        failed = Failed(str(error), 2 if isinstance(error, BadFlag) else 1, what="bad_setting")
    except Failed as error:
        failed = error
    if getattr(args, "json", False):
        print(json.dumps({"error": {"code": failed.what, "message": str(failed)}}))
    return fail(str(failed), failed.code)


def _let_go_of_stdout() -> None:
    """So that what could not be written is not tried again at the end."""
    with suppress(OSError, ValueError):  # it may be no file at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, code: int = 1) -> int:
    """Say why on stderr, in one line; gives the exit code."""
    print(f"reflexd: {' '.join(message.split())}", file=sys.stderr)
    return code


def settings_of(args: argparse.Namespace) -> Settings:
    """All settings, the flags among them. Raises `BadSetting`, which `main` tells."""
    config = getattr(args, "config", None)
    return load(setting_flags(args), config_file=Path(config) if config is not None else None)


def setting_flags(args: argparse.Namespace) -> dict[str, str]:
    """The settings that were given as flags, as typed."""
    return {name: value for name in SETTING_FLAGS if (value := getattr(args, name, None)) is not None}


def _run(args: argparse.Namespace) -> int:
    module, function = args.runs.split(":")
    run: Callable[[argparse.Namespace], int] = getattr(import_module(f"reflexd_io.cli.{module}"), function)
    return run(args)
