"""The command line: ``reflexd``.

Data goes to stdout, everything else to stderr. Errors are one line that says what to do. Exit codes: 0 done,
1 failed (a supervisor need not restart), 2 used wrongly, 3 no daemon runs, 4 the provider did not take the
key, 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from reflexd_io.cli.commands import parser
from reflexd_io.settings import Settings, load
from reflexd_io.values import BadFlag, BadSetting

__all__ = ["NOT_RUNNING", "Failed", "fail", "main", "parser", "setting_flags", "settings_of"]

NOT_RUNNING = 3
SETTING_FLAGS = ("port", "bind_addr", "storage_path", "log_level")


class Failed(Exception):  # noqa: N818 - it says what the command has done
    """A command cannot go on; the message says why, in one line."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    args = parser().parse_args(argv)
    try:
        code = _run(args)
        sys.stdout.flush()  # here, where a reader that has gone is known: at the interpreter's end it is a complaint
        sys.exit(code)
    except BadSetting as error:
        sys.exit(fail(str(error), 2 if isinstance(error, BadFlag) else 1))
    except Failed as failed:
        sys.exit(fail(str(failed), failed.code))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


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
