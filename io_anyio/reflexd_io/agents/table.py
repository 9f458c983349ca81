"""The agents, as data: which variables, flags and settings send each one's requests through Reflex.

``reflexd env``, ``run`` and ``setup`` are made from this table alone. Values are templates: ``{origin}`` is Reflex
with the tenant and upstream that were asked for (``http://127.0.0.1:8080/t/work``), ``{v1}`` the same with ``/v1``
behind it. Tried with the programs themselves (Claude Code 2.1, Codex 0.169, OpenCode 1.18, Aider 0.86, Gemini CLI
0.61, Qwen Code 0.15, Continue CLI 1.5, Cline CLI 3.0).
"""

from dataclasses import dataclass

EACH = "*"
"""Stands in a path for every item of a list, or every member of an object."""

PLACEHOLDER = "reflex"
"""What stands where a client insists on a key: Reflex then uses the tenant's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One setting in a configuration file."""

    path: tuple[str, ...]
    value: str
    home: str | None = None
    """The upstream whose base URL this is; None where it is no URL."""
    where: tuple[str, str] | None = None
    """A setting beside the last step, and the value that it must have."""
    item: bool = False
    """Whether the value is an item of the list at the path, ``NAME=value``."""
    if_missing: bool = False
    """Whether what stands there already is right, whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A configuration file of an agent's."""

    folder: str
    """Where it lies in the user's home."""
    names: tuple[str, ...]
    """What it may be called; the first that exists is meant, else the first."""
    format: str
    """``toml``, ``json``, ``yaml`` or ``dotenv``."""
    edits: tuple[Edit, ...]
    moved_by: tuple[tuple[str, str], ...] = ()
    """Variables that name another folder, and where the file lies below that; the first that is set holds."""
    copied_as: str = ""
    """How one run is given an edited copy: a variable's name, or a flag. Empty where variables do."""
    example: str = ""
    """A file that would do, for people to whom the settings are shown; where the edits alone make none."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    value: str
    home: str
    """The upstream whose base URL this is."""
    path: tuple[str, ...] = ()
    """Where the URL stands in the variable's JSON; the user's own settings there stay. Empty where it is no JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    name: str
    title: str
    programs: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    """What one run is given, and what ``reflexd env`` prints."""
    also: tuple[tuple[str, str], ...] = ()
    """What one run is given beside them, whatever was set before."""
    flags: tuple[str, ...] = ()
    """What one run is given right behind the program's name."""
    keys: tuple[str, ...] = ()
    """Variables in which the agent looks for a key; with the tenant's own key they hold a placeholder."""
    other_keys: tuple[str, ...] = ()
    """Likewise, but only where they are set already: by itself such a variable would make the agent ask something."""
    files: tuple[File, ...] = ()
    note: str = ""
    """What a person should know who sets it up."""


_OPENAI = Variable("OPENAI_BASE_URL", "{v1}", "openai")
_ANTHROPIC = Variable("ANTHROPIC_BASE_URL", "{origin}", "anthropic")
_GEMINI = Variable("GOOGLE_GEMINI_BASE_URL", "{origin}", "gemini")

_CODEX = ("model_providers", "reflex")
_CODEX_PROVIDER = (
    (("name",), "Reflex"),
    (("base_url",), "{v1}"),
    (("env_key",), "OPENAI_API_KEY"),
    (("wire_api",), "responses"),
)

AGENTS: tuple[Agent, ...] = (
    Agent(
        name="claude",
        title="Claude Code",
        programs=("claude",),
        variables=(_ANTHROPIC,),
        keys=("ANTHROPIC_AUTH_TOKEN",),
        other_keys=("ANTHROPIC_API_KEY",),
        files=(
            File(
                folder=".claude",
                names=("settings.json",),
                format="json",
                edits=(Edit(path=("env", "ANTHROPIC_BASE_URL"), value="{origin}", home="anthropic"),),
                moved_by=(("CLAUDE_CONFIG_DIR", ""),),
            ),
        ),
        note="What stands in Claude Code's settings outranks the environment.",
    ),
    Agent(
        name="codex",
        title="Codex",
        programs=("codex",),
        # A provider of its own and no other address for the built-in one: that tries a WebSocket first.
        flags=(
            *("-c", 'model_provider="reflex"'),
            *(word for path, value in _CODEX_PROVIDER for word in ("-c", f'{".".join((*_CODEX, *path))}="{value}"')),
        ),
        keys=("OPENAI_API_KEY",),
        files=(
            File(
                folder=".codex",
                names=("config.toml",),
                format="toml",
                edits=(
                    Edit(path=("model_provider",), value="reflex"),
                    *(
                        Edit(path=(*_CODEX, *path), value=value, home="openai" if "{" in value else None)
                        for path, value in _CODEX_PROVIDER
                    ),
                ),
                moved_by=(("CODEX_HOME", ""),),
            ),
        ),
        note="Codex takes the key from OPENAI_API_KEY; a ChatGPT login belongs to another service.",
    ),
    Agent(
        name="opencode",
        title="OpenCode",
        programs=("opencode",),
        variables=tuple(
            Variable("OPENCODE_CONFIG_CONTENT", "{v1}", name, ("provider", name, "options", "baseURL"))
            for name in ("openai", "anthropic")
        ),
        keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY"),
        files=(
            File(
                folder=".config/opencode",
                names=("opencode.json", "opencode.jsonc", "config.json"),
                format="json",
                edits=tuple(
                    Edit(path=("provider", name, "options", "baseURL"), value="{v1}", home=name)
                    for name in ("openai", "anthropic")
                ),
                moved_by=(("XDG_CONFIG_HOME", "opencode"),),
            ),
        ),
    ),
    Agent(
        name="aider",
        title="Aider",
        programs=("aider",),
        variables=(
            Variable("OPENAI_API_BASE", "{v1}", "openai"),
            Variable("ANTHROPIC_API_BASE", "{origin}", "anthropic"),
        ),
        keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY"),
        files=(
            File(
                folder="",
                names=(".aider.conf.yml",),
                format="yaml",
                edits=(
                    Edit(path=("openai-api-base",), value="{v1}", home="openai"),
                    Edit(path=("set-env",), value="ANTHROPIC_API_BASE={origin}", home="anthropic", item=True),
                ),
            ),
        ),
    ),
    Agent(
        name="gemini",
        title="Gemini CLI",
        programs=("gemini",),
        variables=(_GEMINI,),
        keys=("GEMINI_API_KEY",),
        files=(
            File(
                folder=".gemini",
                names=(".env",),
                format="dotenv",
                edits=(Edit(path=("GOOGLE_GEMINI_BASE_URL",), value="{origin}", home="gemini"),),
                moved_by=(("GEMINI_CLI_HOME", ".gemini"),),
            ),
            # With another address and nothing chosen it takes this for a gateway, and then refuses that.
            File(
                folder=".gemini",
                names=("settings.json",),
                format="json",
                edits=(Edit(path=("security", "auth", "selectedType"), value="gemini-api-key", if_missing=True),),
                moved_by=(("GEMINI_CLI_HOME", ".gemini"),),
                copied_as="GEMINI_CLI_SYSTEM_DEFAULTS_PATH",
            ),
        ),
        note=(
            "It uses this address with a GEMINI_API_KEY, not with a Google login; where none was ever chosen, set "
            "security.auth.selectedType to gemini-api-key in ~/.gemini/settings.json."
        ),
    ),
    Agent(
        name="qwen",
        title="Qwen Code",
        programs=("qwen",),
        variables=(_OPENAI,),
        keys=("OPENAI_API_KEY",),
        files=(
            File(
                folder=".qwen",
                names=(".env",),
                format="dotenv",
                edits=(Edit(path=("OPENAI_BASE_URL",), value="{v1}", home="openai"),),
                moved_by=(("QWEN_HOME", ""),),
            ),
        ),
        note="It uses this address with --auth-type openai, not with a Qwen login.",
    ),
    Agent(
        name="continue",
        title="Continue",
        programs=("cn",),
        files=(
            File(
                folder=".continue",
                names=("config.yaml",),
                format="yaml",
                edits=tuple(
                    Edit(path=("models", EACH, "apiBase"), value="{v1}", home=name, where=("provider", name))
                    for name in ("openai", "anthropic")
                ),
                moved_by=(("CONTINUE_GLOBAL_DIR", ""),),
                copied_as="--config",
                example=(
                    "name: with Reflex\nversion: 1.0.0\nschema: v1\nmodels:\n  - name: <any>\n    provider: openai\n"
                    "    model: <your model>\n    apiKey: <your key>\n    apiBase: {v1}\n"
                ),
            ),
        ),
    ),
    Agent(
        name="cline",
        title="Cline CLI",
        programs=("cline",),
        # Its hub outlives a run, and would answer the next one with the settings that this one was lent.
        also=(("CLINE_SESSION_BACKEND_MODE", "local"),),
        files=(
            File(
                folder=".cline/data/settings",
                names=("providers.json",),
                format="json",
                edits=tuple(
                    Edit(
                        path=("providers", EACH, "settings", "baseUrl"),
                        value="{v1}",
                        home=home,
                        where=("provider", name),
                    )
                    for name, home in (
                        ("openai-compatible", "openai"),
                        ("openai-native", "openai"),
                        ("anthropic", "anthropic"),
                    )
                ),
                moved_by=(("CLINE_DATA_DIR", "settings"), ("CLINE_DIR", "data/settings")),
                copied_as="CLINE_PROVIDER_SETTINGS_PATH",
                example='cline auth -p openai -k "$OPENAI_API_KEY" -m "<your model>" -b {v1}\n',
            ),
        ),
    ),
    Agent(name="openai", title="the OpenAI SDKs", variables=(_OPENAI,), keys=("OPENAI_API_KEY",)),
    Agent(name="anthropic", title="the Anthropic SDKs", variables=(_ANTHROPIC,), keys=("ANTHROPIC_API_KEY",)),
)

ANY = Agent(
    name="any",
    title="any program",
    variables=(_OPENAI, _ANTHROPIC, _GEMINI),
    keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY"),
)
"""A program that nobody knows: it most likely uses an SDK."""

BY_NAME = {agent.name: agent for agent in AGENTS}
BY_PROGRAM = {program: agent for agent in AGENTS for program in agent.programs}


def named(name: str) -> Agent | None:
    """By its own name or its program's."""
    return BY_NAME.get(name) or BY_PROGRAM.get(name)
