"""What ``reflexd tenants``, ``on``, ``off`` and ``mode`` are given on the command line."""

import argparse
from typing import Any


def add_tenants(tenants: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = tenants.add_subparsers(
        dest="action",
        required=True,
        metavar="list|add|rm|rename|use|token|keys|adopt|policy|upstream",
        parser_class=type(tenants),
    )
    listed = actions.add_parser("list", parents=[common], help="which there are, and what they have")
    listed.add_argument("--all", action="store_true", help="also those of keys that nobody has adopted")
    _one(actions, common, "add", "a new one")
    _one(actions, common, "use", "make it the active one: requests without a key are its")
    gone = _one(actions, common, "rm", "remove it with all that is stored for it; this cannot be undone")
    gone.add_argument("--force", action="store_true", help="also the active one, or all in one that must stay")
    renamed = _one(actions, common, "rename", "call it otherwise; entries, tokens and keys stay its own")
    renamed.add_argument("to", metavar="NEW", help="its new name")
    token = _one(actions, common, "token", "its tokens: list, add, rm")
    token.add_argument("what", nargs="?", choices=("list", "add", "rm"), default="list", help="(default: list)")
    token.add_argument("id", nargs="?", metavar="ID", help="which to revoke, by id or name")
    token.add_argument("--name", dest="called", default="", metavar="TEXT", help="what the new one is for")
    token.add_argument("--expires", metavar="TIME", help="such as 12h or 30d (default: never)")
    actions.add_parser("keys", parents=[common], help="provider keys that clients brought, for adopt")
    adopted = _one(actions, common, "adopt", "let it adopt a key that was seen: requests with it are its")
    adopted.add_argument("key", metavar="KEY", help="as `reflexd tenants keys` names it: anon-…")
    adopted.add_argument("--undo", action="store_true", help="give the key up again")
    policy = _one(actions, common, "policy", "what it allows, and where that comes from")
    policy.add_argument("settings", nargs="*", metavar="SETTING=VALUE", help="change these; SETTING= takes one back")
    upstream = _one(actions, common, "upstream", "the upstreams it goes to")
    upstream.add_argument("upstreams", nargs="*", metavar="NAME=URL", help="change these; NAME= takes one back")
    upstream.add_argument("--default", metavar="NAME", help="where it goes by default; '' takes it back")


def add_pausing(commands: Any, common: argparse.ArgumentParser) -> None:
    off = commands.add_parser("off", parents=[common], help="pass everything through, nothing is read or stored")
    off.add_argument("--for", dest="for_", metavar="TIME", help="such as 90s, 30m or 12h (default: until `on`)")
    on = commands.add_parser("on", parents=[common], help="end a pause")
    for pausing in (off, on):
        pausing.add_argument("--tenant", metavar="NAME", help="whose (default: everybody's)")
    mode = commands.add_parser("mode", parents=[common], help="what is compared, or how that stands now")
    mode.add_argument("mode", nargs="?", choices=("normal", "exact", "shadow"), help="for everybody")


def _one(actions: Any, common: argparse.ArgumentParser, name: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, parents=[common], help=words)
    parser.add_argument("name", metavar="TENANT")
    return parser
