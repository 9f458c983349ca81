"""``reflexd wrong`` and ``reflexd audits``: a person's word on hits by meaning, and how often they proved right."""

import argparse
import http.client
import json
import urllib.parse

from reflexd_io import runtime
from reflexd_io.cli import fail, settings_of
from reflexd_io.control_client import Answer, Refused, ask


def wrong(args: argparse.Namespace) -> int:
    entry = urllib.parse.quote(args.entry, safe="")
    ended = _asked(args, f"/admin/entries/{entry}/wrong", {"exchange": args.exchange})
    if ended is None:
        return 1
    if args.json:
        print(json.dumps(ended))
        return 0
    print(
        "This pairing has ended and will not come back:\n"
        f"  asked   {_line(ended['asked'])}\n  stored  {_line(ended['stored'])}\n"
        "It is kept as a label: `reflexd tune` learns from it."
    )
    return 0


def audits(args: argparse.Namespace) -> int:
    found = _asked(args, "/admin/audits?" + urllib.parse.urlencode({"tenant": args.tenant or ""}))
    if found is None:
        return 1
    if args.json:
        print(json.dumps(found))
        return 0
    total = found["compared"]
    print(f"Tenant {found['tenant']}: {total} hits by meaning were compared with a fresh answer.")
    if total:
        seen, most = found["different_share"], found["different_or_unsure_share"]
        print(
            f"  {found['same']} said the same, {found['different']} differed, {found['unsure']} could not be told.\n"
            f"  So between {seen['share']:.1%} (95 % interval {seen['low']:.1%} to {seen['high']:.1%}) and "
            f"{most['share']:.1%} of them would have been wrong."
        )
    for example in found["examples"]:
        print(f"  ✗ asked   {_line(example['asked'])}\n    stored  {_line(example['stored'])}")
    return 0


def _asked(args: argparse.Namespace, path: str, body: Answer | None = None) -> Answer | None:
    """The daemon's answer; None after saying on stderr why there is none."""
    running = runtime.read(settings_of(args).storage_path)
    if running is None:
        fail("Reflex is not running: start it with `reflexd serve`")
        return None
    try:
        return ask(running, path, body)
    except (Refused, OSError, http.client.HTTPException) as error:
        fail(str(error) or "the daemon does not answer")
        return None


def _line(text: str, width: int = 100) -> str:
    """One printable line of somebody's text."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= width else line[: width - 1] + "…"
