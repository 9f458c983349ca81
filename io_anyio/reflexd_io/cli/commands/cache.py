"""What is stored: ``cache`` with its actions, and ``warm``."""

import argparse
import re

from reflexd_io.cli.commands.base import Commands, Parser

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
TIERS = ("exact", "semantic")
SORTS = ("created", "used", "hits", "size", "expires", "tenant", "dialect", "model", "question")


def add(commands: Commands) -> None:
    _add_cache(commands)
    warm = commands.add("warm", "warm:warm", commands.common, help="send a file of requests, to fill it")
    warm.add_argument("file", metavar="FILE", help='JSON Lines: {"path": "/v1/…", "body": {…}, "headers": {…}}')
    warm.add_argument("-c", "--concurrency", type=_count, default=4, metavar="N", help="at a time (default 4)")


def _add_cache(commands: Commands) -> None:
    common, filtered = commands.common, _filtered()
    actions = commands.add_group("cache", "cache:cache", "ACTION", help="what is stored: browse, purge, pin, move")

    listed = actions.add_parser("ls", parents=[common, filtered], help="list entries, the newest first")
    listed.add_argument("--sort", choices=SORTS, default="created", help="(default: created)")
    listed.add_argument("--ascending", action="store_true", help="the least first")
    listed.add_argument("-n", "--limit", type=_count, default=20, metavar="N", help="how many (default 20)")
    listed.add_argument("--cursor", metavar="C", help="go on behind the last list, as it says")
    shown = actions.add_parser("show", parents=[common], help="one entry: question, answer, how it was used")
    shown.add_argument("entry", metavar="ENTRY", help="as X-Reflex-Entry and `cache ls` tell it")

    gone = actions.add_parser("rm", parents=[common], help="purge entries by their ids")
    gone.add_argument("entries", metavar="ENTRY", nargs="+")
    purge = actions.add_parser("purge", parents=[common, filtered], help="purge all that fit")
    purge.add_argument("--all", action="store_true", help="everything, where no filter is given")
    purge.add_argument(
        "--for-good", action="store_true", help="with --all: not to be undone, and even where the disk is full"
    )
    for action in (gone, purge):
        action.add_argument("--yes", action="store_true", help="do not ask")
        action.add_argument("--dry-run", action="store_true", help="only count")
    restore = actions.add_parser("restore", parents=[common], help="undo a purge")
    restore.add_argument("purge", metavar="PURGE", nargs="?", help="which (default: the last)")
    trash = actions.add_parser("trash", parents=[common], help="purges that can still be undone")
    trash.add_argument("--drop", metavar="PURGE", help="drop this one for good, now")

    for name, help_ in (("pin", "keep entries, whatever room or time says"), ("unpin", "take that back")):
        action = actions.add_parser(name, parents=[common], help=help_)
        action.add_argument("entries", metavar="ENTRY", nargs="+")
    ttl = actions.add_parser("ttl", parents=[common], help="change how long an entry still lives")
    ttl.add_argument("entry", metavar="ENTRY")
    ttl.add_argument("expires_in", metavar="TIME", type=_lifetime, help="such as 12h or 30d, from now; or: never")

    out = actions.add_parser("export", parents=[common, filtered], help="write entries as JSON Lines")
    out.add_argument("--entry", action="append", metavar="ENTRY", help="this one alone; for more, again")
    out.add_argument("-o", "--output", metavar="FILE", default="-", help="where to (default, or -: standard output)")
    into = actions.add_parser("import", parents=[common], help="take entries as they were exported")
    into.add_argument("file", metavar="FILE", help="(-: standard input)")
    into.add_argument("--tenant", metavar="NAME", help="only those of this tenant")
    into.add_argument("--overwrite", action="store_true", help="also where something as new or newer is stored")


def _filtered() -> Parser:
    filtered = Parser(add_help=False)
    filtered.add_argument("words", metavar="WORD", nargs="*", help='words, "a phrase", prefix*; -- before -without')
    filtered.add_argument("--tenant", metavar="NAME", help="whose (default: everybody's)")
    filtered.add_argument("--model", metavar="NAME", help="of that name, with or without a date behind it")
    filtered.add_argument("--dialect", metavar="NAME", help="chat, messages, responses, embeddings …")
    filtered.add_argument("--upstream", metavar="NAME")
    filtered.add_argument("--tier", choices=TIERS, help="exact: answers its own words only; semantic: others too")
    filtered.add_argument("--pinned", action="store_const", const=True, help="pinned ones only")
    filtered.add_argument("--older-than", type=_duration, metavar="TIME", help="stored longer ago, such as 7d")
    filtered.add_argument("--newer-than", type=_duration, metavar="TIME")
    filtered.add_argument("--unused-for", type=_duration, metavar="TIME", help="not used for so long")
    return filtered


def _duration(text: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: expected a number and s, m, h or d, such as 12h")
    return float(found[1]) * _UNITS[found[2]]


def _lifetime(text: str) -> float | None:
    return None if text == "never" else _duration(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 500 or len(text) > 3:
        raise argparse.ArgumentTypeError("expected a number from 1 to 500")
    return int(text)
