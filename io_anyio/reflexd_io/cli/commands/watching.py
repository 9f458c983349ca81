"""The commands that show what Reflex does: ``stats``, ``explain``, ``logs`` and ``dashboard``."""

import argparse

from reflexd_io.cli.commands.base import Commands


def add(commands: Commands) -> None:
    common = commands.common
    stats = commands.add("stats", "stats:stats", common, help="what was saved, how often and how fast")
    stats.add_argument("--range", choices=["today", "7d", "30d", "ever"], default="today", help="(default: today)")
    stats.add_argument("--tenant", metavar="NAME", help="whose (default: everybody's)")
    explain = commands.add(
        "explain", "explain:explain", common, help="say how an exchange was decided, and why it missed"
    )
    explain.add_argument(
        "exchange", metavar="EXCHANGE", nargs="?", help="X-Reflex-Exchange (default: the last one's)"
    )
    logs = commands.add("logs", "logs:logs", commands.configured, help="the end of the request log")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument("-n", "--lines", type=_lines, default=20, metavar="N", help="how many (default 20)")
    dashboard = commands.add("dashboard", "dashboard:dashboard", common, help="open the dashboard in the browser")
    dashboard.add_argument("--no-open", action="store_true", help="only print its address")
    dashboard.add_argument("--exchange", metavar="EXCHANGE", help="open this one (X-Reflex-Exchange)")


def _lines(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError("expected a number of lines")
    return int(text)
