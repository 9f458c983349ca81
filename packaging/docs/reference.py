"""The reference, made from the code: each setting, each rule of a tenant, each command, each agent's lines.

    uv run python packaging/docs/reference.py            # writes README.md's marked parts, and reference.md
    uv run python packaging/docs/reference.py --check    # says whether they are what it would write

Names, variables, defaults and what a value may be come from where they are defined; only what a setting is for is
written down beside this (words.toml). What is between a mark and its end in README.md is overwritten.
"""

import argparse
import io
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from reflexd_core.policy import Policy
from reflexd_core.routing import PRESETS
from reflexd_io import policy_settings, settings
from reflexd_io.agents.table import AGENTS
from reflexd_io.cli import main as reflexd
from reflexd_io.cli import parser

HERE = Path(__file__).resolve().parent
README = HERE.parent.parent / "README.md"
REFERENCE = HERE / "reference.md"
WORDS: Mapping[str, Mapping[str, str]] = tomllib.loads((HERE / "words.toml").read_text("utf-8"))

ORDER = ("claude", "codex", "aider", "continue", "cline", "opencode", "gemini", "qwen", "openai", "anthropic")
_MARKED = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- made, end -->)", re.DOTALL)


def of_settings() -> str:
    """config.toml's single values."""
    plain, rows = settings.Settings(), []
    for name, (variable, read) in settings.SCALARS.items():
        default = WORDS["defaults"].get(name) or _value(getattr(plain, name))
        rows.append((f"`{name}`", f"`{variable}`", default, expected(read), WORDS["settings"][name]))
    return table(("`config.toml`", "environment", "default", "takes", ""), rows)


def of_tables() -> str:
    """What config.toml has beside single values."""
    return table(("`config.toml`", ""), [(f"`{name}`", WORDS["tables"][name]) for name in settings.TABLES])


def of_policy() -> str:
    """What a tenant may allow."""
    rows = []
    for name, (_, takes, _) in policy_settings.POLICY.items():
        default = WORDS["policy-defaults"].get(name) or _value(policy_settings.told(Policy(), name))
        rows.append((f"`{name}`", default, takes.replace("**", "^"), WORDS["policy"][name]))
    return table(("setting of a tenant", "default", "takes", ""), rows)


def of_commands() -> str:
    """One line a command."""
    return table(("command", ""), [(f"`reflexd {name}`", help_) for name, help_, _ in _commands(parser())])


def of_agents() -> str:
    """What `reflexd env` prints for each agent, on a machine where nothing is configured."""
    known = {agent.name: agent for agent in AGENTS}
    return "\n".join(_agent(known[name].title, name, known[name].programs) for name in ORDER)


def of_upstreams() -> str:
    """The providers that are known without being configured."""
    rows = [
        (f"`{name}`", f"`{preset.base_url}`", "none wanted" if preset.keyless else f"`{preset.key_env}`")
        for name, preset in PRESETS.items()
    ]
    return table(("upstream", "address", "its key's variable"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "settings": of_settings,
    "tables": of_tables,
    "policy": of_policy,
    "commands": of_commands,
    "agents": of_agents,
    "upstreams": of_upstreams,
}


def readme(text: str) -> str:
    """The README with each of its marked parts as it should be."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", text)


def reference() -> str:
    """Every command with its flags."""
    made = [
        "# reflexd: every command and flag\n",
        "Made from the command line's own parser by `packaging/docs/reference.py`; do not edit.\n",
    ]
    for name, help_, command in _commands(parser()):
        made += _described(f"reflexd {name}", help_, command)
    return "\n".join(made)


def expected(read: Callable[[str], object]) -> str:
    """In what words a value that cannot be read is refused."""
    for nonsense in ("", "\0"):
        try:
            read(nonsense)
        except ValueError as error:
            return str(error).removeprefix("expected ").removeprefix("one of: ")
    raise AssertionError(f"{read} takes anything")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _agent(title: str, name: str, programs: tuple[str, ...]) -> str:
    title = title[0].upper() + title[1:]
    run = f": `reflexd run -- {programs[0]}`, for good `reflexd setup {name}`" if programs else ""
    lines = printed("env", name, "--shell", "posix").splitlines()
    notes = [line.removeprefix("# ") for line in lines[1:] if line.startswith("# ")]
    shown = "\n".join(line for line in lines if line not in [f"# {note}" for note in notes])
    kind = {"# ~/.codex/config.toml": "toml", "# ~/.continue/config.yaml": "yaml"}.get(lines[0], "sh")
    told = "".join(f"\n{note}\n" for note in notes)
    return f"**{title}**{run}\n\n```{kind}\n{shown}\n```\n{told}"


def printed(*command: str) -> str:
    """What a command of ours prints in a home where nothing is configured."""
    with tempfile.TemporaryDirectory() as home:
        environ = {"HOME": home, "PATH": os.environ.get("PATH", "")}
        out = io.StringIO()
        with patch.dict(os.environ, environ, clear=True), redirect_stdout(out), suppress(SystemExit):
            reflexd(list(command))
        return out.getvalue().replace(home, "~")


def _commands(whole: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield name, said.get(name, ""), command


def _described(name: str, help_: str, command: argparse.ArgumentParser) -> Iterator[str]:
    yield f"{'#' * min(len(name.split()), 4)} `{name}`\n\n{help_[:1].upper()}{help_[1:]}.\n"
    flags = [action for action in command._actions if action.help != argparse.SUPPRESS and action.dest != "help"]
    rows = [
        (f"`{_flag(action)}`", (action.help or "") % {"default": action.default} if action.help else "")
        for action in flags
        if not isinstance(action, argparse._SubParsersAction)
    ]
    if rows:
        yield table(("", ""), rows)
    for sub, said, below in _commands(command):
        yield from _described(f"{name} {sub}", said, below)


def _flag(action: argparse.Action) -> str:
    taken = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    taken = " ".join(taken) if isinstance(taken, tuple) else taken
    shown = ", ".join(action.option_strings)
    return f"{shown} {taken}".strip() if action.nargs != 0 else shown


def main() -> int:
    asked = argparse.ArgumentParser(description="The reference, made from the code.")
    asked.add_argument("--check", action="store_true", help="write nothing; 1 where something is not as it should be")
    check = asked.parse_args().check
    stale = 0
    for path, made in ((README, readme(README.read_text("utf-8"))), (REFERENCE, reference())):
        if path.exists() and path.read_text("utf-8") == made:
            continue
        stale += 1
        print(f"{path.name} {'is not what the code says' if check else 'is written'}", file=sys.stderr)
        if not check:
            path.write_text(made, "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
