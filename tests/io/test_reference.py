"""What is documented: nothing of ours is missing from the README, and what is made there is what the code says."""

import argparse
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from reflexd_core.policy import Policy
from reflexd_core.routing import PRESETS
from reflexd_io.agents.table import AGENTS
from reflexd_io.cli import parser
from reflexd_io.policy_settings import POLICY
from reflexd_io.settings import SCALARS, TABLES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
NOT_A_SETTING = {"judge", "threshold", "record_limit", "join_silence"}
"""Fields of a policy that nobody sets: what the models say, and limits of the daemon's own."""


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "packaging" / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _variables() -> set[str]:
    """Every variable of ours that a file of ours names."""
    found: set[str] = set()
    for room in ("core", "io_anyio", "tui", "tray"):
        for path in (ROOT / room).rglob("*.py"):
            found |= set(re.findall(r"\bREFLEX_[A-Z0-9_]*[A-Z0-9]\b", path.read_text("utf-8")))
    return found


def _commands(whole: argparse.ArgumentParser, name: str = "reflexd") -> Iterator[str]:
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, command in action.choices.items():
                yield f"{name} {below}"
                yield from _commands(command, f"{name} {below}")


def test_every_setting_rule_variable_command_and_provider_is_in_the_readme() -> None:
    names = [*SCALARS, *(variable for variable, _ in SCALARS.values()), *TABLES, *POLICY, *PRESETS, *_variables()]
    names += [name for name in _commands(parser()) if name.count(" ") == 1]
    missing = [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", README)]
    assert not missing, f"README.md says nothing of: {', '.join(missing)}"
    assert len(names) > 100


def test_every_command_is_in_the_reference() -> None:
    told = (ROOT / "packaging" / "docs" / "reference.md").read_text("utf-8")
    commands = list(_commands(parser()))
    assert [name for name in commands if f"# `{name}`" not in told] == []
    assert "reflexd cache purge" in commands


def test_every_field_of_a_policy_is_a_setting_or_said_to_be_none() -> None:
    assert {field.name for field in fields(Policy)} == {name for name, _, _ in POLICY.values()} | NOT_A_SETTING


@pytest.mark.skipif(os.name != "posix", reason="the paths shown are POSIX's")
def test_what_is_made_is_what_the_code_says(reference: ModuleType) -> None:
    cure = "run: uv run python packaging/docs/reference.py"
    assert reference.readme(README) == README, cure
    assert reference.reference() == reference.REFERENCE.read_text("utf-8"), cure
    assert set(reference.ORDER) == {agent.name for agent in AGENTS}
    assert set(re.findall(r"<!-- made: (\w+) -->", README)) == set(reference.PARTS)


def test_each_name_has_its_words_and_no_other_has_any(reference: ModuleType) -> None:
    words = reference.WORDS
    assert set(words["settings"]) == set(SCALARS)
    assert set(words["tables"]) == set(TABLES)
    assert set(words["policy"]) == set(POLICY)
    assert set(words["defaults"]) <= set(SCALARS)
    assert set(words["policy-defaults"]) <= set(POLICY)


def test_a_setting_without_words_stops_the_making(reference: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCALARS, "frobnication", ("REFLEX_FROBNICATION", SCALARS["port"][1]))
    monkeypatch.setitem(reference.WORDS["defaults"], "frobnication", "none")
    with pytest.raises(KeyError, match="frobnication"):
        reference.of_settings()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        place, _, anchor = (target[0] or target[1]).partition("#")
        if place.startswith("http"):
            continue
        file = ROOT / place if place else ROOT / page
        assert file.exists(), f"{page}: {place}"
        if anchor:
            assert anchor in _anchors(file.read_text("utf-8")), f"{page}: #{anchor}"


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
