"""``reflexd dashboard``: the page in the browser, let in by a code that is good once."""

import argparse
import webbrowser
from urllib.parse import quote

import msgspec

from reflexd_io.cli.asking import answer
from reflexd_io.control_client import calls


def dashboard(args: argparse.Namespace) -> int:
    code = answer(args, calls.dashboard_code())
    if args.exchange is not None:
        code = msgspec.structs.replace(code, url=f"{code.url}&exchange={quote(args.exchange, safe='')}")
    if args.json:
        print(msgspec.json.encode(code).decode())
        return 0
    if not args.no_open and webbrowser.open(code.url):
        print("The dashboard opens in your browser. If it does not, open this:")
    print(f"{code.url}\nIt is good once, for {code.lives:.0f} seconds.")
    return 0
