"""``reflexd wrong`` and ``reflexd audits``: a person's word on hits by meaning, and how often they proved right."""

import argparse

import msgspec

from reflexd_io.cli.asking import answer, line
from reflexd_io.control_client import calls


def wrong(args: argparse.Namespace) -> int:
    ended = answer(args, calls.wrong(args.entry, args.exchange))
    if args.json:
        print(msgspec.json.encode(ended).decode())
        return 0
    print(
        "This pairing has ended and will not come back:\n"
        f"  asked   {line(ended.asked)}\n  stored  {line(ended.stored)}\n"
        "It is kept as a label: `reflexd tune` learns from it."
    )
    return 0


def audits(args: argparse.Namespace) -> int:
    found = answer(args, calls.audits(args.tenant or ""))
    if args.json:
        print(msgspec.json.encode(found).decode())
        return 0
    print(f"Tenant {found.tenant}: {found.compared} hits by meaning were compared with a fresh answer.")
    seen, most = found.different_share, found.different_or_unsure_share
    if seen is not None and most is not None:
        print(
            f"  {found.same} said the same, {found.different} differed, {found.unsure} could not be told.\n"
            f"  So between {seen.share:.1%} (95 % interval {seen.low:.1%} to {seen.high:.1%}) and "
            f"{most.share:.1%} of them would have been wrong."
        )
    for example in found.examples:
        print(f"  ✗ asked   {line(example.asked)}\n    stored  {line(example.stored)}")
    return 0
