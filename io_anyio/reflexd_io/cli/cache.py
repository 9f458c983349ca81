"""``reflexd cache``: what the running daemon has stored, listed, shown, purged, brought back, pinned and moved."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reflexd_io.cli import Failed
from reflexd_io.cli.asking import PATIENCE, answer, client_of, line, told
from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.entries import (
    EntryChange,
    EntryFilter,
    EntryQuery,
    EntryRow,
    ExportQuery,
    ImportQuery,
    Purge,
    Purged,
)

_FILTERS = (
    *("tenant", "model", "dialect", "upstream", "tier"),
    *("pinned", "older_than", "newer_than", "unused_for"),
)
_PIECE = 256 * 1024
_LINES = "application/jsonl"


def cache(args: argparse.Namespace) -> int:
    return _ACTIONS[args.action](args)


def _list(args: argparse.Namespace) -> int:
    query = EntryQuery(
        **_filter(args), sort=args.sort, descending=not args.ascending, limit=args.limit, cursor=args.cursor
    )
    page = answer(args, calls.list_entries(query), timeout=PATIENCE)
    if args.json:
        return _print_json(page)
    _table(page.items)
    total = f"{page.total}" if page.total is not None else f"more than {page.at_least}"
    print(f"{len(page.items)} of {total}", file=sys.stderr)
    if page.next is not None:
        print(f"go on with: --cursor {page.next}", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace) -> int:
    detail = answer(args, calls.entry(args.entry))
    if args.json:
        return _print_json(detail)
    row = detail.row
    facts = {
        "entry": row.id,
        "tenant": row.tenant,
        "model": f"{row.model} ({row.dialect}, by {row.upstream})",
        "stored": _moment(row.created),
        "expires": "never, it is pinned" if row.pinned else _moment(row.expires),
        "answers": "its own words only"
        if row.exact_only
        else f"other words too, until {_moment(detail.semantic_until)}",
        "used": f"{row.hits} times" + (f", last {_moment(row.used)}" if row.hits else ""),
        "size": f"{row.size} bytes",
    }
    for name, value in facts.items():
        print(f"{name:9}{value}")
    for use in detail.uses:
        print(f"  {use.day}  {use.hits}")
    for wording in detail.wordings:
        score = f" ({wording.score:.3f})" if wording.score is not None else ""
        print(f"  ≈ {line(wording.question)}{score}")
    print(f"\n{_printable(detail.question or '(its question is not kept)')}\n\n{_printable(detail.answer_text)}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    return _purge_what(args, Purge(ids=args.entries))


def _purge(args: argparse.Namespace) -> int:
    filter_ = EntryFilter(**_filter(args))
    if filter_ == EntryFilter() and not args.all:
        raise Failed("say what: words or a filter (see reflexd cache purge --help), or --all for everything", 2)
    if args.for_good:
        return _empty(args, filter_)
    return _purge_what(args, Purge(filter=filter_, everything=args.all))


def _empty(args: argparse.Namespace, filter_: EntryFilter) -> int:
    """Count, ask, and let everything go for good, of one tenant or of all."""
    if filter_ != EntryFilter(tenant=args.tenant) or not args.all:
        raise Failed("--for-good takes everything: say --all, and no filter but --tenant", 2)
    counted = answer(args, calls.purge(Purge(filter=filter_, everything=True, dry_run=True)), timeout=PATIENCE)
    if args.dry_run:
        return _tell_count(args, counted)
    if not args.yes:
        _tell_count(argparse.Namespace(json=False), counted, file=sys.stderr)
        _ask_for_leave("Remove them for good, with all that lies in the trash? This cannot be undone.")
    stored = [row.name for row in answer(args, calls.list_tenants(), timeout=PATIENCE).items if row.size]
    everybody = dict.fromkeys((*stored, *counted.failed))  # what cannot be read comes last, and says why
    for name in [args.tenant] if args.tenant is not None else everybody:
        done = answer(args, calls.empty_tenant(name), timeout=PATIENCE)
        print(f"{line(name)}: {done.message}", file=sys.stderr if args.json else None)
    return _print_json(msgspec.structs.replace(counted, confirm=None)) if args.json else 0


def _purge_what(args: argparse.Namespace, what: Purge) -> int:
    """Count, ask, and purge exactly what was counted."""
    counted = answer(args, calls.purge(msgspec.structs.replace(what, dry_run=True)), timeout=PATIENCE)
    if args.dry_run or not counted.count:
        return _tell_count(args, counted)
    if not args.yes:
        _tell_count(argparse.Namespace(json=False), counted, file=sys.stderr)
        _ask_for_leave()
    purged = answer(args, calls.purge(msgspec.structs.replace(what, confirm=counted.confirm)), timeout=PATIENCE)
    for name, why in purged.failed.items():
        print(f"reflexd: not, or not wholly, of {line(name)}: {line(why, 200)}", file=sys.stderr)
    if args.json:
        _print_json(purged)
        return 1 if purged.failed else 0
    gone = f" ({purged.gone} had gone meanwhile)" if purged.gone else ""
    print(f"{_entries(purged.count)} purged{gone}.")
    if purged.purge is not None:
        print(f"Undo it until {_moment(purged.undo_until)}: reflexd cache restore {purged.purge}")
    return 1 if purged.failed else 0


def _tell_count(args: argparse.Namespace, counted: Purged, file: IO[str] | None = None) -> int:
    if args.json:
        return _print_json(counted)
    pinned = f", {counted.pinned} of them pinned" if counted.pinned else ""
    whose = ", ".join(f"{count} of {tenant}" for tenant, count in counted.tenants.items())
    print(f"{_entries(counted.count, '')} ({counted.size} bytes{pinned}){': ' + whose if whose else ''}", file=file)
    for row in counted.examples:
        print(f"  {row.id}  {line(row.question, 80)}", file=file)
    for name in counted.unknown:
        print(f"  {line(name)}  is not stored", file=file)
    return 0


def _ask_for_leave(question: str = "Purge them?") -> None:
    """Raises `Failed` where the person says no, or is not there."""
    if not sys.stdin.isatty():
        raise Failed("nothing was purged: nobody is there to be asked, so say --yes", 2)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failed("nothing was purged")


def _restore(args: argparse.Namespace) -> int:
    purge = args.purge
    if purge is None:
        thrown = answer(args, calls.trash(), timeout=PATIENCE).items
        if not thrown:
            raise Failed("there is no purge that could still be undone")
        purge = thrown[0].purge
    restored = answer(args, calls.restore(purge), timeout=PATIENCE)
    if args.json:
        return _print_json(restored)
    skipped = f"; {restored.skipped} were stored anew meanwhile and stay as they are" if restored.skipped else ""
    print(f"{_entries(restored.count)} back{skipped}.")
    return 0


def _trash(args: argparse.Namespace) -> int:
    if args.drop is not None:
        done = answer(args, calls.empty_trash(args.drop), timeout=PATIENCE)
        return _print_json(done) if args.json else _print(done.message)
    found = answer(args, calls.trash(), timeout=PATIENCE)
    if args.json:
        return _print_json(found)
    table = Table("purge", "when", "undo until", "entries", "what", box=None, pad_edge=False)
    for row in found.items:
        what = row.what if row.finished else f"{row.what} (cut short: the rest is still stored)"
        table.add_row(row.purge, _moment(row.at), _moment(row.undo_until), str(row.count), Text(line(what)))
    if found.items:
        Console().print(table)
    else:
        print("The trash is empty.")
    return 0


def _pin(args: argparse.Namespace) -> int:
    pinned = args.action == "pin"
    rows = [answer(args, calls.change_entry(name, EntryChange(pinned=pinned))) for name in args.entries]
    if args.json:
        print(msgspec.json.encode(rows).decode())
    else:
        _print(f"{_entries(len(rows))} {'pinned' if pinned else 'no longer pinned'}.")
    return 0


def _change_lifetime(args: argparse.Namespace) -> int:
    row = answer(args, calls.change_entry(args.entry, EntryChange(expires_in=args.expires_in)))
    if args.json:
        return _print_json(row)
    if row.pinned:
        return _print(f"It is pinned; once it no longer is, it expires: {_moment(row.expires_unpinned)}")
    return _print(f"It expires: {_moment(row.expires)}")


def _export(args: argparse.Namespace) -> int:
    """Into a file only once all of it is there: a file that is cut would look like a whole one."""
    args.json = False  # what it gives are the lines and nothing else
    targets = calls.export_targets(ExportQuery(**_filter(args)), args.entry)
    to_stdout = args.output == "-"
    if not to_stdout and Path(args.output).exists() and not Path(args.output).is_file():
        raise Failed(f"{args.output} is there, and is no file")  # a device would be replaced by one
    unfinished = Path(f"{args.output}.part")
    entries = 0
    try:
        with told(), nullcontext(sys.stdout.buffer) if to_stdout else _private(unfinished) as out:
            for target in targets:
                for piece in client_of(args, timeout=PATIENCE).download(target):
                    out.write(piece)
                    entries += piece.count(b"\n")
        if to_stdout:
            sys.stdout.flush()
        else:
            unfinished.replace(args.output)
    except OSError as error:
        if to_stdout:
            raise  # `main` tells it as of every other command
        raise Failed(f"{args.output} cannot be written: {error.strerror or error}") from error
    finally:
        if not to_stdout:
            unfinished.unlink(missing_ok=True)
    print(f"{_entries(entries)} exported.", file=sys.stderr)
    return 0


def _private(path: Path) -> BinaryIO:
    """A new file that its owner alone can read, whatever lay there: what it is to hold is somebody's text."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _import(args: argparse.Namespace) -> int:
    ask = calls.import_entries(ImportQuery(overwrite=args.overwrite, tenant=args.tenant))
    try:
        with told(), nullcontext(sys.stdin.buffer) if args.file == "-" else Path(args.file).open("rb") as file:
            taken = client_of(args, timeout=PATIENCE).upload(ask, _pieces(file), _LINES)
    except OSError as error:
        raise Failed(f"{args.file} cannot be read: {error.strerror or error}") from error
    if args.json:
        _print_json(taken)
    else:
        left_out = f"{taken.skipped} {'was' if taken.skipped == 1 else 'were'} left out"
        print(f"{_entries(taken.stored)} stored, {left_out} (there already, or not asked for).")
    for bad in taken.bad:
        print(line(bad, 200), file=sys.stderr)
    if taken.bad_count > len(taken.bad):
        print(f"… and {taken.bad_count - len(taken.bad)} more lines", file=sys.stderr)
    return 1 if taken.bad_count else 0


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _filter(args: argparse.Namespace) -> dict[str, Any]:
    """The flags of `commands.cache` that say which entries are meant; a shell takes the quotes off a phrase."""
    words = [f'"{word}"' if " " in word and '"' not in word else word for word in args.words]
    return {**{name: getattr(args, name) for name in _FILTERS}, "text": " ".join(words) or None}


def _table(rows: list[EntryRow]) -> None:
    table = Table("entry", "tenant", "model", "stored", "hits", "bytes", "question", box=None, pad_edge=False)
    for column in table.columns[:6]:
        column.no_wrap = True
    table.columns[6].overflow = "ellipsis"
    table.columns[6].no_wrap = True
    for row in rows:
        question = f"{'📌 ' if row.pinned else ''}{line(row.question, 200)}"
        cells = (row.tenant, row.model, _moment(row.created), str(row.hits), str(row.size), question)
        table.add_row(row.id, *(Text(cell) for cell in cells))
    console = Console()
    # Where nobody looks at it, nothing is cut off for want of room.
    Console(width=None if console.is_terminal else 250).print(table)


def _entries(count: int, verb: str | None = None) -> str:
    if verb is None:
        verb = " is" if count == 1 else " are"
    return f"{count} {'entry' if count == 1 else 'entries'}{verb}"


def _moment(at: float | None) -> str:
    if at is None:
        return "never"
    try:
        return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # a year that no calendar here knows
        return f"{at:.0f}"


def _printable(text: str) -> str:
    """Somebody's text on a terminal: no control character of it is obeyed."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def _print(text: str) -> int:
    print(text)
    return 0


def _print_json(told_: msgspec.Struct) -> int:
    print(msgspec.json.encode(told_).decode())
    return 0


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "ls": _list,
    "show": _show,
    "rm": _remove,
    "purge": _purge,
    "restore": _restore,
    "trash": _trash,
    "pin": _pin,
    "unpin": _pin,
    "ttl": _change_lifetime,
    "export": _export,
    "import": _import,
}
