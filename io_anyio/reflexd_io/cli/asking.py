"""How a command asks the running daemon: its answer, or one line that says why there is none."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from reflexd_io.cli import NOT_RUNNING, Failed, settings_of
from reflexd_io.control_client import Ask, BlockingClient, NotThere, Refused, find
from reflexd_io.control_client.blocking import TIMEOUT

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds without a byte for what may take long."""


def client_of(args: argparse.Namespace, *, timeout: float = TIMEOUT) -> BlockingClient:
    """Raises `Failed` where no daemon runs."""
    try:
        return BlockingClient(find(storage=settings_of(args).storage_path), timeout=timeout)
    except NotThere as error:
        raise Failed(str(error), NOT_RUNNING) from error


def answer(args: argparse.Namespace, ask: Ask[T], *, timeout: float = TIMEOUT) -> T:
    """Raises `Failed`, which `main` tells."""
    with told():
        return client_of(args, timeout=timeout).do(ask)


@contextmanager
def told() -> Iterator[None]:
    """What a client raises becomes `Failed`, which `main` tells."""
    try:
        yield
    except NotThere as error:
        raise Failed(str(error), NOT_RUNNING) from error
    except Refused as error:
        raise Failed(str(error), what=error.code) from error


def line(text: str, width: int = 100) -> str:
    """One printable line of somebody's text."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return shown if len(shown) <= width else shown[: width - 1] + "…"
