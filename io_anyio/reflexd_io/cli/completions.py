"""``reflexd completions``: what a shell needs to complete our commands and flags, made from the parser itself."""

import argparse

import shtab

from reflexd_io.cli import parser


def completions(args: argparse.Namespace) -> int:
    print(shtab.complete(parser(), shell=args.shell))
    return 0
