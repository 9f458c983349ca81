"""``reflexd logs``: the end of the request log, and what comes."""

import argparse
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import TextIO

from reflexd_io.cli import fail, settings_of

_LOOK = 0.3
"""Seconds between looks at whether something came."""


def logs(args: argparse.Namespace) -> int:
    path = settings_of(args).request_log
    if path is None:
        return fail("no request log is kept: set request_log in config.toml, or REFLEX_REQUEST_LOG, to a file's path")
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in deque(file, args.lines):
                print(line, end="")
            sys.stdout.flush()
            if args.follow:
                _follow(path, file)
    except FileNotFoundError:
        return fail(f"{path} is not there yet: the daemon makes it when it starts with this request_log")
    except OSError as error:
        return fail(f"{path} cannot be read: {error}")
    return 0


def _follow(path: Path, file: TextIO) -> None:
    """For ever; a file that was rotated away is read to its end, then the new one from its beginning."""
    while True:
        _show_rest(file)
        if _is_another(path, file):
            _show_rest(file)
            with path.open(encoding="utf-8", errors="replace") as fresh:
                _follow(path, fresh)
        time.sleep(_LOOK)


def _show_rest(file: TextIO) -> None:
    for line in file:
        print(line, end="", flush=True)


def _is_another(path: Path, file: TextIO) -> bool:
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:  # between being moved away and made anew
        return False
