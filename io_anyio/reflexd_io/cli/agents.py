"""``reflexd env``, ``run`` and ``setup``: agents sent through Reflex, shown, for one run, or for good."""

import argparse
import difflib
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from reflexd_io.agents import files
from reflexd_io.agents import setup as setting_up
from reflexd_io.agents.address import Address, address_of
from reflexd_io.agents.launch import CannotLaunch, launch, variables_of
from reflexd_io.agents.places import file_in, folder_of
from reflexd_io.agents.rivals import outranking
from reflexd_io.agents.setup import Note, Plan
from reflexd_io.agents.surroundings import Surroundings
from reflexd_io.agents.table import AGENTS, ANY, BY_PROGRAM, Agent, File, named
from reflexd_io.cli import fail, settings_of
from reflexd_io.cli.child import run_program
from reflexd_io.values import BadFlag, BadSetting

SHELLS: dict[str, Callable[[str, str], str]] = {
    "posix": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: f"set -gx {name} {shlex.quote(value)}",
    "powershell": lambda name, value: "$env:{} = '{}'".format(name, value.replace("'", "''")),
}

_SECRET = re.compile(
    r"((?:(?i:key|token|secret|password|auth))[\w-]*[\"']?\s*[:=]\s*[\"']?)(?![A-Z_]+[\"']?\s*$)[^\s\"',]+",
    re.MULTILINE,
)
"""A secret in a line that is shown; the name of a variable that holds one is none."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def env(args: argparse.Namespace) -> int:
    agent, address = _asked(args)
    try:
        variables = variables_of(agent, os.environ, address, args.stored_key)
        block = _block(agent.files[0], address) if agent.files and not agent.variables else None
    except CannotLaunch as error:
        return fail(str(error))
    file = str(_where(agent.files[0])) if agent.files else None
    if args.json:
        flags = [address.filled(flag, quoted=True) for flag in agent.flags]
        told = {"agent": agent.name, "variables": variables, "flags": flags, "file": file, "block": block}
        print(json.dumps(told))
        return 0
    say = SHELLS[args.shell or _shell(os.environ)]
    for name, value in variables.items():
        print(say(name, value))
    if block is not None:
        print(f"# {file}\n{block}", end="")
    if agent.note:
        print(f"# {agent.note}")
    return 0


def run(args: argparse.Namespace) -> int:
    command = args.program[1:] if args.program[:1] == ["--"] else args.program
    if not command:
        return fail("run what? For example: reflexd run -- claude", 2)
    agent, address = _asked(args, BY_PROGRAM.get(Path(command[0]).stem.lower(), ANY))
    if not address.running:
        if args.stored_key:
            return fail("Reflex is not running, and only it has the stored key; start it with: reflexd serve")
        fail(f"Reflex is not running, so {command[0]} goes to its provider directly; start it with: reflexd serve")
        return run_program(command, os.environ)
    try:
        made = launch(agent, command, os.environ, address, args.stored_key)
    except CannotLaunch as error:
        return fail(str(error))
    environ = {**os.environ, **made.variables}
    _tell_rivals(agent, address, environ, once=True)
    private = settings_of(args).storage_path / "agents"
    return run_program(made.command, environ, made.lent, private)


def setup(args: argparse.Namespace) -> int:
    agent, address = _asked(args)
    if not agent.files:
        return fail(f"{agent.title} have no configuration file; see: reflexd env {agent.name}", 2)
    notes = settings_of(args).storage_path / "agents"
    try:
        return _undo(agent, notes, args) if args.undo else _set_up(agent, address, notes, args)
    except (files.CannotEdit, OSError) as error:
        where = _where(agent.files[0])
        return fail(f"{where} cannot be edited: {error}; `reflexd env {agent.name}` shows what to write")


def _set_up(agent: Agent, address: Address, notes: Path, args: argparse.Namespace) -> int:
    plans = [setting_up.plan(file, folder_of(file, os.environ), address) for file in agent.files]
    for left in (left for planned in plans for left in planned.skipped):
        print(f"reflexd: {left}", file=sys.stderr)
    if not plans[0].asked:
        return fail(
            f"{plans[0].file} names no model of a provider that Reflex stands for; configure one in {agent.title} "
            f"first (`reflexd env {agent.name}` shows how)"
        )
    if not any(planned.changes for planned in plans):
        print(f"{agent.title} is set up already ({plans[0].file}).")
        _tell_rivals(agent, address, os.environ)
        return 0
    print("".join(map(_diff, plans)), end="")
    if args.dry_run:
        _tell_rivals(agent, address, os.environ)
        return 0
    written = [
        setting_up.write(planned, setting_up.note_file(notes, agent.name, place))
        for place, planned in enumerate(plans)
        if planned.changes
    ]
    print(f"\n{agent.title} now goes through {address.origin}. Take it back: reflexd setup {agent.name} --undo")
    for note in written:
        if note.backup is not None:
            print(f"{note.file} as it was: {note.backup}")
    if agent.note:
        print(f"Note: {agent.note}")
    _tell_rivals(agent, address, os.environ)
    return 0


def _tell_rivals(agent: Agent, address: Address, environ: Mapping[str, str], *, once: bool = False) -> None:
    """What leads the agent past Reflex all the same, as it is started from this folder."""
    try:
        at = Surroundings(environ=environ, folder=Path.cwd(), address=address, once=once)
    except OSError:  # the folder was removed, or is closed, which is no reason to do nothing
        return
    for said in outranking(agent, at):
        fail(f"{agent.title} may go past Reflex: {said}")


def _undo(agent: Agent, notes: Path, args: argparse.Namespace) -> int:
    found = [
        (file, note, note_file)
        for place, file in enumerate(agent.files)
        if (note := setting_up.read_note(note_file := setting_up.note_file(notes, agent.name, place))) is not None
    ]
    if not found:
        print(f"{agent.title} was not set up by Reflex; there is nothing to undo.")
        return 0
    plans = [(setting_up.plan_back(note, file), note, note_file) for file, note, note_file in found]
    for planned, note, _ in plans:
        print(_diff(planned, gone=_goes(note, planned)), end="")
    if args.dry_run:
        return 0
    for planned, note, note_file in reversed(plans):
        setting_up.take_back(note, planned, note_file)
        if planned.before is None and note.backup is not None:
            print(f"{note.file} is not there any more; as it was before Reflex: {note.backup}")
    print(f"{agent.title} is as it was before Reflex.")
    return 0


def _where(file: File) -> Path:
    return file_in(folder_of(file, os.environ), file)


def _goes(note: Note, planned: Plan) -> bool:
    return planned.before is not None and setting_up.goes(note, planned)


def _asked(args: argparse.Namespace, default: Agent | None = None) -> tuple[Agent, Address]:
    """The agent and the address that the arguments ask for. Raises `BadSetting`."""
    agent = named(args.agent) if args.agent else default
    if agent is None:
        known = ", ".join(one.name for one in AGENTS)
        raise BadFlag(f"Reflex knows no agent {args.agent!r}; it knows: {known}")
    settings = settings_of(args)
    if args.tenant is not None and not _NAME.fullmatch(args.tenant):
        raise BadFlag(f"--tenant={args.tenant!r}: names have letters, digits, '.', '_' and '-', 64 at most")
    if args.upstream is not None and args.upstream not in settings.upstreams:
        raise BadFlag(f"--upstream={args.upstream!r}: known are: {', '.join(sorted(settings.upstreams))}")
    address = address_of(settings, args.tenant, args.upstream)
    if not address.running and settings.port == 0:
        raise BadSetting("with port 0 nobody knows where Reflex will be; start it first: reflexd serve")
    return agent, address


def _block(file: File, address: Address) -> str:
    """The file as it would be if it held nothing but this."""
    if file.example:
        return address.filled(file.example)
    text = ""
    for edit in file.edits:
        value = address.filled(edit.value)
        text = files.put(file.format, text, (*edit.path, 0) if edit.item else edit.path, value)
    return text


def _diff(planned: Plan, *, gone: bool = False) -> str:
    """What changes, keys hidden: terminals are recorded, and shared."""
    lines = difflib.unified_diff(
        (planned.before or "").splitlines(keepends=True),
        [] if gone else planned.after.splitlines(keepends=True),
        str(planned.file) if planned.before is not None else os.devnull,
        os.devnull if gone else str(planned.file),
        n=2,
    )
    return "".join(_SECRET.sub(r"\1…", line if line.endswith("\n") else f"{line}\n") for line in lines)


def _shell(environ: Mapping[str, str]) -> str:
    if os.name == "nt":
        return "powershell"
    return "fish" if environ.get("SHELL", "").endswith("fish") else "posix"
