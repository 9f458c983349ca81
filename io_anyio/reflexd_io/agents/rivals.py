"""What outranks Reflex's settings: places that an agent heeds more than the file or variables that name Reflex.

With one of them its requests go past Reflex, and the agent does not say so. Which place wins over which was tried
with the programs themselves, in the versions that `table` names.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from reflexd_io.agents import files
from reflexd_io.agents.places import file_in, folder_of
from reflexd_io.agents.surroundings import Place, Surroundings, content_of, members, place_of
from reflexd_io.agents.table import BY_NAME, Agent

_OTHER_CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
_OFF = ("", "0", "false", "no", "off")


def outranking(agent: Agent, at: Surroundings) -> list[str]:
    """What leads the agent past Reflex, in words: where it stands, and what to do about it."""
    known = _KNOWN.get(agent.name)
    try:
        return [] if known is None else list(dict.fromkeys(known(at)))
    except (OSError, RuntimeError):  # a folder that may not be looked into, a link to itself, nobody's home
        return []


def _own(name: str, at: Surroundings) -> Path:
    """The file that was, or would be, set up."""
    file = BY_NAME[name].files[0]
    return file_in(folder_of(file, at.environ), file)


def _claude(at: Surroundings) -> Iterator[str]:
    own = _own("claude", at)
    managed = at.system("/etc/claude-code", "/Library/Application Support/ClaudeCode", "C:/Program Files/ClaudeCode")
    found = [
        *sorted((managed / "managed-settings.d").glob("*.json"), reverse=True),
        managed / "managed-settings.json",
        *(at.folder / ".claude" / name for name in ("settings.local.json", "settings.json")),
    ]
    places = [place_of(path, "json") for path in found if path.resolve() != own]
    if at.once:  # its variable is less than what the user's own settings say
        places.append(place_of(own, "json"))
    for said in at.first(places, ("env", "ANTHROPIC_BASE_URL")):
        yield f"{said}, and Claude Code heeds that more; take it out there"
    clouds = [*places, *([] if at.once else [place_of(own, "json")])]
    by_file = [(name, members(content, "env")) for name, content in clouds]
    for switch in _OTHER_CLOUDS:
        for name, variables in (*by_file, at.variables(switch)):
            if switch in variables:
                if f"{variables[switch]}".lower() not in _OFF:
                    yield f"{name} sets {switch}, with which Claude Code goes to that cloud; unset it"
                break


def _codex(at: Surroundings) -> Iterator[str]:
    own = _own("codex", at)
    config = content_of(own, "toml")
    for name, profile in members(config, "profiles").items():
        found = files.found(profile, ("model_provider",))
        is_active = config.get("profile") == name
        if found in (files.MISSING, "reflex") or (at.once and not is_active):
            continue
        when = "is active" if is_active else f"holds with --profile {name}"
        yield (
            f'{own}: the profile "{name}" {when}, and its own model_provider is "{found}", which Codex heeds more; '
            f'in [profiles.{name}], set model_provider = "reflex" or take it out'
        )
    managed = at.system("/etc/codex", "/etc/codex", "C:/ProgramData/OpenAI/Codex") / "managed_config.toml"
    found_files = [(managed, "and Codex heeds that more; only whoever keeps this machine can change it")]
    if not at.once:  # flags are more than a profile's file
        found_files += [
            (path, f"which holds with --profile {path.name.removesuffix('.config.toml')}; take it out there")
            for path in sorted(own.parent.glob("*.config.toml"))
        ]
    for path, advice in found_files:
        place = place_of(path, "toml")
        for said in at.first([place], ("model_provider",), "reflex"):
            yield f"{said}, {advice}"
        for said in at.first([place], ("model_providers", "reflex", "base_url")):
            yield f"{said}, {advice}"


def _opencode(at: Surroundings) -> Iterator[str]:
    own = _own("opencode", at)
    names = ("opencode.jsonc", "opencode.json")

    def within(folder: Path) -> list[Place]:
        return [place_of(folder / name, "json") for name in names if (folder / name).resolve() != own]

    managed = at.system("/etc/opencode", "/Library/Application Support/opencode", "C:/ProgramData/opencode")
    places = within(managed)
    if not at.once:  # the variable that one run is given is more than all the others
        places += _of_variable(at, "OPENCODE_CONFIG_CONTENT")
        moved = at.environ.get("OPENCODE_CONFIG_DIR")
        project = at.project
        up = [folder for folder in at.upwards() if project is None or folder.is_relative_to(project)]
        folders = [Path(moved)] if moved else []
        folders += [folder / ".opencode" for folder in (*up, at.home)]
        places += chain.from_iterable(map(within, (*folders, *up)))
        if named := at.environ.get("OPENCODE_CONFIG"):
            places.append(place_of(at.folder / named, "json"))
        if own.name != names[0]:
            places.append(place_of(own.with_name(names[0]), "json"))
    for provider in ("openai", "anthropic"):
        for said in at.first(places, ("provider", provider, "options", "baseURL")):
            yield f"{said}, and OpenCode heeds that more; take it out there"


def _of_variable(at: Surroundings, name: str) -> list[Place]:
    try:
        return [(f"the variable {name}", files.FORMATS["json"].read(at.environ.get(name, "")))]
    except files.CannotEdit:
        return []


def _aider(at: Surroundings) -> Iterator[str]:
    own = _own("aider", at)
    folders = [at.folder, *([at.project] if at.project is not None else [])]
    dotenvs = [place_of(folder / ".env", "dotenv") for folder in (*folders, at.home)]
    configs = [place_of(path, "yaml") for folder in folders if (path := folder / own.name).resolve() != own]
    if at.once:  # the variables that one run is given are less than any file
        configs.append(place_of(own, "yaml"))
    named = [*dotenvs, at.variables("AIDER_OPENAI_API_BASE", "AIDER_SET_ENV", "OPENAI_BASE_URL")]
    lists = [(f"{name}: set-env", content["set-env"]) for name, content in configs if members(content).get("set-env")]
    by_variable = ((f"{name}: AIDER_SET_ENV", values.get("AIDER_SET_ENV")) for name, values in named)
    lists = [*(place for place in by_variable if place[1]), *lists]
    said = list(
        chain(
            at.first(named, ("AIDER_OPENAI_API_BASE",)),
            at.first(configs, ("openai-api-base",)),
            at.first([*map(_set_by, lists[:1]), *named], ("OPENAI_BASE_URL",)),
            at.first(map(_set_by, lists[:1]), ("ANTHROPIC_API_BASE",)),
            at.first(dotenvs, ("OPENAI_API_BASE",)) if at.once else (),
            at.first(dotenvs, ("ANTHROPIC_API_BASE",)) if at.once else (),
        )
    )
    yield from (f"{one}, and Aider heeds that more; take it out there" for one in said)
    if not at.once and lists and "ANTHROPIC_API_BASE" not in _set_by(lists[0])[1]:
        yield (f"{lists[0][0]} takes the place of set-env in {own}; add ANTHROPIC_API_BASE={at.address.origin} to it")


def _set_by(place: Place) -> Place:
    """The variables that a list of ``NAME=value`` sets."""
    name, listed = place
    words = listed if isinstance(listed, list) else [listed]
    pairs = (f"{word}".strip("[]\"' ").partition("=") for word in words)
    return name, {variable.strip(): value.strip() for variable, _, value in pairs}


def _gemini(at: Surroundings) -> Iterator[str]:
    own = _own("gemini", at)
    yield from _of_the_first_dotenv(at, BY_NAME["gemini"])
    managed = at.system("/etc/gemini-cli", "/Library/Application Support/GeminiCli", "C:/ProgramData/gemini-cli")
    places = [place_of(path, "json") for path in (managed / "settings.json", own.with_name("settings.json"))]
    for said in at.first(places, ("security", "auth", "selectedType"), "gemini-api-key"):
        yield f"{said}, with which Gemini CLI does not use this address; set it to gemini-api-key"


def _qwen(at: Surroundings) -> Iterator[str]:
    own = _own("qwen", at)
    yield from _of_the_first_dotenv(at, BY_NAME["qwen"])
    system = at.system("/etc/qwen-code", "/Library/Application Support/QwenCode", "C:/ProgramData/qwen-code")
    settings = [place_of(folder / "settings.json", "json") for folder in (system, at.folder / ".qwen", own.parent)]
    for name, content in settings:
        models = files.found(content, ("modelProviders", "openai"))
        for model in models if isinstance(models, list) else []:
            for said in at.first([(name, model)], ("baseUrl",)):
                which = f"{said} for the model {members(model).get('id')}"
                yield f"{which}, and Qwen Code heeds that more; set it to {at.address.filled('{v1}')}"
    for said in at.first(settings, ("security", "auth", "selectedType"), "openai"):
        yield f"{said}, with which Qwen Code does not use this address; run it with --auth-type openai"


def _of_the_first_dotenv(at: Surroundings, agent: Agent) -> Iterator[str]:
    """Of all such files the first on the way up is read, and no other; a variable is more than that."""
    file, title = agent.files[0], agent.title
    own, name = _own(agent.name, at), file.edits[0].path[0]
    if at.environ.get(name):
        for said in at.first([at.variables(name)], (name,)):
            yield f"{said}, and {title} heeds that more; unset it"
        return
    kept = file.folder
    on_the_way = chain.from_iterable((folder / kept / own.name, folder / own.name) for folder in at.upwards())
    read = next((path for path in on_the_way if path.exists()), own)
    if read.resolve() == own:
        return
    content = content_of(read, "dotenv")
    if content.get(name):
        for said in at.first([(f"{read}", content)], (name,)):
            yield f"{said}, and {title} reads that instead of {own}; take it out there"
    else:
        value = at.address.filled(file.edits[0].value)
        yield f"{title} reads {read} here and not {own}; add {name}={value} to it"


def _cline(at: Surroundings) -> Iterator[str]:
    own = _own("cline", at)
    named = at.environ.get("CLINE_PROVIDER_SETTINGS_PATH")
    if named and not at.once and Path(named).expanduser().resolve() != own:
        yield f"the variable CLINE_PROVIDER_SETTINGS_PATH names {named}, which Cline reads instead of {own}; unset it"


_KNOWN: dict[str, Callable[[Surroundings], Iterator[str]]] = {
    "claude": _claude,
    "codex": _codex,
    "opencode": _opencode,
    "aider": _aider,
    "gemini": _gemini,
    "qwen": _qwen,
    "cline": _cline,
}
