"""``reflexd tauq``: JSON into Tauq notation and back, for files and pipes."""

import argparse
import json
import sys
from pathlib import Path

from reflexd_core.canonical import Json, Uncomparable, read_json
from reflexd_core.tauq import Inexpressible, Style, TauqError, decode, encode
from reflexd_io.cli import fail


def tauq(args: argparse.Namespace) -> int:
    source = None if args.file in (None, "-") else Path(args.file)
    name = str(source) if source is not None else "standard input"
    try:
        raw = source.read_bytes() if source is not None else sys.stdin.buffer.read()
        text = raw.decode("utf-8-sig")
        if args.direction == "encode":
            style = Style(minify=args.minify, commas=args.commas, schemas=not args.no_schemas)
            written = encode(_read(text), style)
        else:
            written = json.dumps(decode(text), ensure_ascii=False)
    except OSError as error:
        return fail(f"cannot read {name}: {error.strerror or error}")
    except UnicodeDecodeError as error:
        return fail(f"{name} is not UTF-8: byte {error.start + 1} cannot be read")
    except Uncomparable as error:
        return fail(f"{name} is not JSON that can be kept as it is: {error}")
    except TauqError as error:
        return fail(f"{name} is not Tauq: {error}")
    except Inexpressible as error:
        return fail(f"{name} cannot be written as Tauq, so keep it as JSON: {error}")
    sys.stdout.buffer.write(f"{written}\n".encode())
    sys.stdout.buffer.flush()  # here, so that a reader who has gone is noticed while it can be told
    return 0


def _read(text: str) -> Json:
    """The value of a JSON text. Raises `Uncomparable`, in words."""
    try:
        return read_json(text.encode())
    except Uncomparable as error:
        match error.__cause__:
            case json.JSONDecodeError() as cause:
                raise Uncomparable(f"line {cause.lineno}, column {cause.colno}: {cause.msg}") from error
            case RecursionError():
                raise Uncomparable("it is nested too deep") from error
            case _:
                raise
