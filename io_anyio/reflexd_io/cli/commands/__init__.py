"""All commands and their flags, a module for each group.

What a command does lies in a module of its own, which is imported only when it runs: `reflexd status` should not wait
for the server's. So nothing in here may import one.
"""

import argparse

from reflexd_core import __version__
from reflexd_io.cli.commands import agents, cache, daemon, meaning, tenants, tools, watching
from reflexd_io.cli.commands.base import Commands, Parser

_GROUPS = (daemon, agents, watching, meaning, tenants, cache, tools)
"""In the order of ``--help``."""


def parser() -> argparse.ArgumentParser:
    """The whole of it; completions and the manual page are made from it."""
    whole = Parser(prog="reflexd", description="A local cache between coding agents and the LLM providers they pay.")
    whole.add_argument("--version", action="version", version=f"reflexd {__version__}")
    commands = Commands(whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser))
    for group in _GROUPS:
        group.add(commands)
    return whole
