"""One run of an agent through Reflex: which program, variables and flags, and which file it is lent a copy of.

Nothing of the user's is touched. An agent that takes its address from a file alone gets an edited copy of it, in a
private folder that is gone when the run is over.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reflexd_io.agents import files
from reflexd_io.agents.address import Address
from reflexd_io.agents.places import folder_of
from reflexd_io.agents.setup import plan
from reflexd_io.agents.table import PLACEHOLDER, Agent, Variable


class CannotLaunch(Exception):  # noqa: N818 - it says what cannot be done
    """The agent cannot be sent through Reflex as things are; the message says what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    command: tuple[str, ...]
    variables: Mapping[str, str]
    """Those that are added to the environment."""
    lent: tuple[str, str, str] | None = None
    """A file's name and content, and the variable or flag that is to name it."""


def launch(agent: Agent, command: Sequence[str], environ: Mapping[str, str], address: Address, key: bool) -> Launch:
    """What to run. ``key``: with the tenant's own key. Raises `CannotLaunch`."""
    program, *rest = command
    flags = tuple(address.filled(flag, quoted=True) for flag in agent.flags)
    return Launch(
        command=(program, *flags, *rest),
        variables={**dict(agent.also), **variables_of(agent, environ, address, key)},
        lent=_lent(agent, environ, address),
    )


def variables_of(agent: Agent, environ: Mapping[str, str], address: Address, key: bool) -> dict[str, str]:
    """Raises `CannotLaunch` where the environment leads to a provider that Reflex does not know."""
    given: dict[str, str] = {}
    for variable in agent.variables:
        given[variable.name] = _value_of(variable, given.get(variable.name, environ.get(variable.name, "")), address)
    if key:
        given |= dict.fromkeys([*agent.keys, *(name for name in agent.other_keys if name in environ)], PLACEHOLDER)
    return given


def _value_of(variable: Variable, text: str, address: Address) -> str:
    try:
        found = files.found(files.FORMATS["json"].read(text), variable.path) if variable.path else text
        url = address.instead_of(found, variable.value, variable.home)
        if url is None:
            raise CannotLaunch(
                f"{variable.name} leads to {found}, which Reflex does not know: add it to config.toml as "
                "[upstreams.<name>] base_url, or unset it"
            )
        return _on_one_line(files.put("json", text, variable.path, url)) if variable.path else url
    except files.CannotEdit as error:
        raise CannotLaunch(f"{variable.name} cannot be read: {error}") from error


def _on_one_line(text: str) -> str:
    return json.dumps(files.FORMATS["json"].read(text), ensure_ascii=False)


def _lent(agent: Agent, environ: Mapping[str, str], address: Address) -> tuple[str, str, str] | None:
    """The edited copy of the one file that the agent takes by a variable or flag, where it needs one."""
    file = next((file for file in agent.files if file.copied_as), None)
    if file is None:
        return None
    try:
        planned = plan(file, folder_of(file, environ), address)
    except (files.CannotEdit, OSError) as error:
        raise CannotLaunch(f"the settings of {agent.title} cannot be used: {error}") from error
    if planned.skipped:
        raise CannotLaunch(planned.skipped[0])
    if not planned.asked:
        raise CannotLaunch(
            f"{planned.file} names no model of a provider that Reflex stands for; configure one in {agent.title} "
            f"first (`reflexd env {agent.name}` shows how)"
        )
    return (planned.file.name, planned.after, file.copied_as) if planned.changes else None
