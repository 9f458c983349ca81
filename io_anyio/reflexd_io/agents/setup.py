"""Setting an agent up for good: its configuration file is edited, and the edit can be taken back.

The file as it was is kept beside it (``….before-reflex``), and what was changed is noted in Reflex's own folder. As
long as nobody else has changed the file since, taking it back restores it byte for byte; otherwise only Reflex's own
settings are taken out again, where they are still Reflex's.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from reflexd_io.agents import files
from reflexd_io.agents.address import Address
from reflexd_io.agents.files.writing import as_it_was, create, remove, replace_text
from reflexd_io.agents.places import file_in
from reflexd_io.agents.table import EACH, Edit, File

BACKUP = ".before-reflex"


class Change(msgspec.Struct, frozen=True):
    """One setting that was written."""

    path: list[str | int]
    value: str
    item: bool
    """Whether it is an item of the list at the path."""
    had: bool
    """Whether something stood there before."""
    old: Any = None


class Note(msgspec.Struct, frozen=True):
    """What is remembered of a file that was edited."""

    file: str
    existed: bool
    backup: str | None
    written: str | None
    """SHA-256 of what was written; None once somebody else had changed the file in between."""
    changes: list[Change]
    folders: list[str]
    """Folders that were made for it, the innermost first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    file: Path
    format: str
    before: str | None
    """None where there is no file."""
    after: str
    changes: tuple[Change, ...]
    asked: int
    """How many settings the table asks for in this file, changed or right already."""
    skipped: tuple[str, ...]
    """What was left alone, and why."""


def plan(file: File, folder: Path, address: Address) -> Plan:
    """What would be written. Raises `files.CannotEdit`, `OSError`."""
    path = file_in(folder, file)
    before = as_it_was(path)
    text = before or ""
    changes: list[Change] = []
    skipped: list[str] = []
    asked = 0
    for edit in file.edits:
        for place in _places(files.FORMATS[file.format].read(text), edit):
            found = files.found(files.FORMATS[file.format].read(text), place)
            value = _value_for(edit, found, address)
            if value is None:
                skipped.append(f"{path} leads to {found}, which Reflex does not know; it stays as it is")
                continue
            asked += 1
            if edit.if_missing and found is not files.MISSING:
                continue
            text, change = _edited(file.format, text, place, value, edit.item)
            changes += [change] if change is not None else []
    return Plan(
        file=path,
        format=file.format,
        before=before,
        after=text,
        changes=tuple(changes),
        asked=asked,
        skipped=tuple(skipped),
    )


def _value_for(edit: Edit, found: object, address: Address) -> str | None:
    """What is to stand there; None where it leads to a provider that Reflex does not know."""
    if edit.home is None:
        return address.filled(edit.value)
    if not edit.item:
        return address.instead_of(found, edit.value, edit.home)
    name, _, template = edit.value.partition("=")
    known = found if isinstance(found, list) else []
    same = [one for one in known if isinstance(one, str) and one.startswith(f"{name}=")]
    url = address.instead_of(same[0].partition("=")[2] if same else None, template, edit.home)
    return None if url is None else f"{name}={url}"


def _edited(kind: str, text: str, place: files.Path, value: str, item: bool) -> tuple[str, Change | None]:
    found = files.found(files.FORMATS[kind].read(text), place)
    had = found is not files.MISSING and found is not None
    if not item:
        if found == value:
            return text, None
        change = Change(list(place), value, item=False, had=had, old=found if had else None)
        return files.put(kind, text, place, value), change
    known = found if isinstance(found, list) else []
    if value in known:
        return text, None
    name = value.partition("=")[0] + "="
    same = next((n for n, one in enumerate(known) if isinstance(one, str) and one.startswith(name)), len(known))
    change = Change(
        list(place), value, item=True, had=same < len(known), old=known[same] if same < len(known) else None
    )
    return files.put(kind, text, (*place, same), value), change


def _places(content: Any, edit: Edit) -> Iterator[files.Path]:
    """The path without `EACH`, for all that it stands for."""
    if EACH not in edit.path:
        yield edit.path
        return
    cut = edit.path.index(EACH)
    holder = files.found(content, edit.path[:cut])
    steps: list[str | int] = []
    if isinstance(holder, dict):
        steps = list(holder)
    elif isinstance(holder, list):
        steps = list(range(len(holder)))
    for step in steps:
        place = (*edit.path[:cut], step, *edit.path[cut + 1 :])
        if edit.where is None or files.found(content, (*place[:-1], edit.where[0])) == edit.where[1]:
            yield place


def write(planned: Plan, note_file: Path) -> Note:
    """Write what was planned, after a backup and a note. Raises `OSError`."""
    known = read_note(note_file)
    if known is not None and known.file != str(planned.file):
        known = None
    mine = known is not None and known.written is not None and _digest(planned.before) == known.written
    if known is None:
        existed = planned.before is not None
        known = Note(
            file=str(planned.file),
            existed=existed,
            backup=str(_backup_of(planned.file)) if existed else None,
            written=None,
            changes=[],
            folders=[str(folder) for folder in _missing(planned.file.parent)],
        )
        mine = True
        if known.backup is not None:
            create(Path(known.backup), planned.before or "", like=planned.file)
    earlier = {_name_of(change): change for change in known.changes}
    merged = dict(earlier)
    for change in planned.changes:
        first = earlier.get(_name_of(change))
        merged[_name_of(change)] = msgspec.structs.replace(change, had=first.had, old=first.old) if first else change
    note = msgspec.structs.replace(
        known, changes=list(merged.values()), written=_digest(planned.after) if mine else None
    )
    note_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_text(note_file, msgspec.json.format(msgspec.json.encode(note), indent=2).decode())
    planned.file.parent.mkdir(parents=True, exist_ok=True)
    replace_text(planned.file, planned.after)
    return note


def plan_back(note: Note, file: File) -> Plan:
    """What taking it back would leave; ``after`` is meaningless where the file goes too (`goes`)."""
    path = Path(note.file)
    now = as_it_was(path)
    base = Plan(file=path, format=file.format, before=now, after=now or "", changes=(), asked=0, skipped=())
    if now is None:
        return base
    if note.written is not None and _digest(now) == note.written:
        kept = as_it_was(Path(note.backup)) if note.backup is not None else ""
        if kept is not None:
            return replace(base, after=kept)
    text = now
    for change in reversed(note.changes):
        text = _taken_back(file.format, text, change)
    return replace(base, after=text)


def goes(note: Note, planned: Plan) -> bool:
    """Whether the file was made by setting up, and would be left with nothing in it."""
    return not note.existed and not files.FORMATS[planned.format].read(planned.after)


def take_back(note: Note, planned: Plan, note_file: Path) -> None:
    """Write what was planned and forget the note and the backup. Raises `OSError`.

    The backup of a file that somebody has deleted since is all that is left of it, and stays.
    """
    if planned.before is not None and goes(note, planned):
        remove(planned.file, [Path(folder) for folder in note.folders])
    elif planned.before is not None and planned.after != planned.before:
        replace_text(planned.file, planned.after)
    if note.backup is not None and planned.before is not None:
        Path(note.backup).unlink(missing_ok=True)
    note_file.unlink(missing_ok=True)


def note_file(notes: Path, agent: str, place: int) -> Path:
    """Where it is noted what was done to an agent's file; ``place``: which of its files it is."""
    return notes / f"{agent}{place or ''}.json"


def read_note(note_file: Path) -> Note | None:
    """None where nothing is noted. Raises `OSError` where it cannot be read."""
    try:
        return msgspec.json.decode(note_file.read_bytes(), type=Note)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise OSError(f"{note_file} is damaged ({error}); delete it to begin anew") from error


def _taken_back(kind: str, text: str, change: Change) -> str:
    content = files.FORMATS[kind].read(text)
    place: files.Path = tuple(change.path)
    found = files.found(content, place)
    if change.item:
        if not isinstance(found, list) or change.value not in found:
            return text
        place = (*place, found.index(change.value))
    elif found != change.value:
        return text  # somebody has changed it since
    return files.put(kind, text, place, change.old) if change.had else files.drop(kind, text, place)


def _name_of(change: Change) -> tuple[str | int, ...]:
    return (*change.path, change.value.partition("=")[0] if change.item else "")


def _backup_of(file: Path) -> Path:
    """A name that nothing has yet: an older backup is never lost."""
    names = (f"{file.name}{BACKUP}{number or ''}" for number in range(1000))
    return next(path for name in names if not (path := file.with_name(name)).exists())


def _missing(folder: Path) -> Iterator[Path]:
    while not folder.exists():
        yield folder
        folder = folder.parent


def _digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()
