"""Settings: what wins, what is refused, and that each is documented."""

import os
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from reflexd_core.model_routes import ModelRoute
from reflexd_core.policy import OnLeave, Policy
from reflexd_core.routing import PRESETS
from reflexd_io import settings as module
from reflexd_io.settings import Settings, load, unconfigured
from reflexd_io.values import BadFlag, BadSetting

Config = Callable[[str], Path]

VARIABLES = {
    "port": "REFLEX_PORT",
    "bind_addr": "REFLEX_BIND_ADDR",
    "storage_path": "REFLEX_STORAGE_PATH",
    "storage_bytes": "REFLEX_STORAGE_BYTES",
    "l1_capacity": "REFLEX_L1_CAPACITY",
    "l1_bytes": "REFLEX_L1_BYTES",
    "mock_provider": "REFLEX_MOCK_PROVIDER",
    "forward_legacy_functions": "REFLEX_LEGACY_FUNCTIONS",
    "inference_backend": "REFLEX_INFERENCE_BACKEND",
    "model_path": "REFLEX_MODEL_PATH",
    "reranker_path": "REFLEX_RERANKER_PATH",
    "semantic_budget_ms": "REFLEX_SEMANTIC_BUDGET_MS",
    "reranker_threshold": "REFLEX_RERANKER_THRESHOLD",
    "log_level": "REFLEX_LOG_LEVEL",
    "log_format": "REFLEX_LOG_FORMAT",
    "log_prompts": "REFLEX_LOG_PROMPTS",
    "request_log": "REFLEX_REQUEST_LOG",
    "request_log_bytes": "REFLEX_REQUEST_LOG_BYTES",
    "request_log_files": "REFLEX_REQUEST_LOG_FILES",
    "default_upstream": "REFLEX_UPSTREAM",
    "active_tenant": "REFLEX_TENANT",
    "auth_required": "REFLEX_AUTH_REQUIRED",
    "remote_admin": "REFLEX_REMOTE_ADMIN",
    "max_connections": "REFLEX_MAX_CONNECTIONS",
    "client_requests": "REFLEX_CLIENT_REQUESTS",
}
"""Settings that each have a flag's name, an environment variable and a line in config.toml."""

THREE: dict[str, tuple[tuple[str, Any], tuple[str, Any], tuple[str, Any]]] = {
    "port": (("1001", 1001), ("1002", 1002), ("1003", 1003)),
    "bind_addr": (('"127.0.0.2"', "127.0.0.2"), ("127.0.0.3", "127.0.0.3"), ("::1", "::1")),
    "storage_path": (('"/a"', Path("/a")), ("/b", Path("/b")), ("/c", Path("/c"))),
    "storage_bytes": (("1_000_000", 1_000_000), ("2000000", 2_000_000), ("3000000", 3_000_000)),
    "l1_capacity": (("11", 11), ("12", 12), ("13", 13)),
    "l1_bytes": (("1011", 1011), ("1012", 1012), ("1013", 1013)),
    "mock_provider": (("true", True), ("0", False), ("yes", True)),
    "forward_legacy_functions": (('"forward"', True), ("refuse", False), ("forward", True)),
    "inference_backend": (('"cpu"', "cpu"), ("MLX", "mlx"), ("off", "off")),
    "model_path": (('"/a"', Path("/a")), ("/b", Path("/b")), ("/c.onnx", Path("/c.onnx"))),
    "reranker_path": (('"/a"', Path("/a")), ("/b", Path("/b")), ("/c.onnx", Path("/c.onnx"))),
    "semantic_budget_ms": (("101", 101), ("102", 102), ("103", 103)),
    "reranker_threshold": (("0.91", 0.91), ("0.92", 0.92), ("1", 1.0)),
    "log_level": (('"error"', "error"), ("info", "info"), ("DEBUG", "debug")),
    "log_format": (('"json"', "json"), ("plain", "plain"), ("JSON", "json")),
    "log_prompts": (("true", True), ("0", False), ("yes", True)),
    "request_log": (('"/a"', Path("/a")), ("/b", Path("/b")), ("/c.log", Path("/c.log"))),
    "request_log_bytes": (("2001", 2001), ("2002", 2002), ("2003", 2003)),
    "request_log_files": (("11", 11), ("12", 12), ("13", 13)),
    "default_upstream": (('"groq"', "groq"), ("mistral", "mistral"), ("xai", "xai")),
    "active_tenant": (('"a"', "a"), ("b", "b"), ("c", "c")),
    "auth_required": (("true", True), ("0", False), ("yes", True)),
    "remote_admin": (("true", True), ("0", False), ("yes", True)),
    "max_connections": (("101", 101), ("102", 102), ("103", 103)),
    "client_requests": (("101", 101), ("102", 102), ("103", 103)),
}
"""How each may stand in config.toml, in the environment and on the command line, and what is then read."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize("name", VARIABLES)
def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(name: str, config: Config) -> None:
    (in_file, from_file), (in_environ, from_environ), (in_flag, from_flag) = THREE[name]
    tenants = "[tenants.a]\n[tenants.b]\n[tenants.c]\n"
    nothing, path = config(tenants), Path()

    def read(flags: dict[str, str], environ: dict[str, str]) -> object:
        return getattr(load(flags, environ, path), name)

    path = nothing
    assert read({}, {}) == getattr(Settings(), name)
    assert read({name: in_flag}, {}) == from_flag
    path = config(f"{name} = {in_file}\n{tenants}")
    assert read({}, {}) == from_file
    assert read({}, {VARIABLES[name]: in_environ}) == from_environ
    assert read({name: in_flag}, {VARIABLES[name]: in_environ}) == from_flag
    assert read({}, {VARIABLES[name]: ""}) == from_file  # set and empty is as good as unset


def test_every_scalar_is_covered_here() -> None:
    assert {name: variable for name, (variable, _) in module.SCALARS.items()} == VARIABLES
    tables = {
        "policy",
        "policy_names",
        "tenants",
        "upstreams",
        "prices",
        "allowed_hosts",
        "allowed_origins",
        "routes",
        "allowed_users",
    }
    assert {field.name for field in fields(Settings)} == {*VARIABLES, *tables}


BAD = {
    "port": ["eighty", "-1", "65536", "8080.0", "1__0", "9" * 5000],
    "bind_addr": ["example.org", "127.0.0"],
    "auth_required": ["maybe"],
    "remote_admin": ["2"],
    "max_connections": ["7", "many"],
    "client_requests": ["0", "many"],
    "storage_bytes": ["0", "2GB", "1e9"],
    "l1_capacity": ["0", "-5", "many"],
    "l1_bytes": ["0", "64MB"],
    "semantic_budget_ms": ["0", "60001", "fast"],
    "reranker_threshold": ["1.1", "-0.1", "high", ".", "nan"],
    "mock_provider": ["maybe", "2"],
    "forward_legacy_functions": ["true", "drop"],
    "inference_backend": ["gpu", "0"],
    "log_level": ["loud", "10"],
    "default_upstream": ["nowhere"],
    "active_tenant": ["nobody"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_a_malformed_value_stops_with_its_name_wherever_it_stands(name: str, text: str, config: Config) -> None:
    empty = config("")
    with pytest.raises(BadSetting, match=f"{VARIABLES[name]}|{name}") as in_environ:
        load({}, {VARIABLES[name]: text}, empty)
    assert text[:40] in str(in_environ.value)
    with pytest.raises(BadSetting, match=f"--{name.replace('_', '-')}|{name}"):
        load({name: text}, {}, empty)
    with pytest.raises(BadSetting, match=name):
        load({}, {}, config(f'{name} = "{text}"'))


def test_what_was_typed_wrongly_is_told_apart_from_what_is_configured_wrongly(config: Config) -> None:
    with pytest.raises(BadFlag):
        load({"port": "x"}, {}, config(""))
    with pytest.raises(BadSetting) as caught:
        load({}, {"REFLEX_PORT": "x"}, config(""))
    assert not isinstance(caught.value, BadFlag)


@pytest.mark.parametrize("name", ["port", "storage_path", "model_path", "default_upstream", "log_level"])
def test_an_empty_flag_is_not_silently_the_default(name: str, config: Config) -> None:
    with pytest.raises(BadFlag, match=f"--{name.replace('_', '-')}"):
        load({name: ""}, {}, config(""))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("port = true", "port"),
        ("port = 80.5", "port"),
        ("port = [8080]", "port"),
        ("storage_path = 5", "storage_path"),
        ('storage_path = ["/a"]', "storage_path"),
        ("storage_path = ''", "storage_path"),
        ("log_level = 10", "log_level"),
        ("[port]\nvalue = 1", "port"),
        ("policy = 3", "policy"),
        ("[policy]\nexact_lifetime = 0", "policy.exact_lifetime"),
        ("[policy]\nexact_lifetime = true", "policy.exact_lifetime"),
        ("[policy]\nexact_lifetime = inf", "policy.exact_lifetime"),
        ("[policy]\nexact_lifetime = nan", "policy.exact_lifetime"),
        ("[policy]\nexact_lifetime = '1h'", "policy.exact_lifetime"),
        ("[policy]\non_leave = 'wait'", "policy.on_leave"),
        ("[policy]\ncaching = 1", "policy.caching"),
        ("[policy]\nportable = 1", "policy.portable"),
        ("[policy]\nscrubs = ['wall-time']", "policy.scrubs"),
        ("[policy]\nscrubs = 'scrub-wall-time'", "policy.scrubs"),
        ("[policy]\nscrubs = [[]]", "policy.scrubs"),
        ("tenants = []", "tenants"),
        ("[tenants]\na = 1", "tenants.a"),
        ("[tenants.'a/b']", "tenants.a/b"),
        ("[tenants.anon-1]", "tenants.anon-1"),
        ("[tenants.a]\ncaching = 'no'", "tenants.a.caching"),
        ("[upstreams.a]", "upstreams.a.base_url"),
        ("[upstreams.'a/b']\nbase_url = 'https://a.example/v1'", "upstreams.a/b"),
        ("[upstreams.a]\nbase_url = 5", "upstreams.a.base_url"),
        ("[upstreams.a]\nbase_url = 'a.example/v1'", "upstreams.a.base_url"),
        ("[upstreams.a]\nbase_url = 'https://a.example/v1'\nkey_env = 5", "upstreams.a.key_env"),
        ("[upstreams.a]\nbase_url = 'https://a.example/v1'\nkeyless = 'yes'", "upstreams.a.keyless"),
        ("allowed_hosts = 'reflex.local'", "allowed_hosts"),
        ("allowed_origins = [5]", "allowed_origins"),
        ("allowed_origins = ['*']", "allowed_origins"),
        ("allowed_origins = ['null']", "allowed_origins"),
        ("allowed_origins = ['app.example']", "allowed_origins"),
        ("allowed_hosts = ['*']", "allowed_hosts"),
        ("allowed_hosts = ['http://app.example']", "allowed_hosts"),
    ],
)
def test_a_malformed_file_stops_with_the_name(text: str, named: str, config: Config) -> None:
    with pytest.raises(BadSetting, match=re.escape(named)):
        load({}, {}, config(text))


@pytest.mark.parametrize(
    "url",
    [
        "api.example.org",
        "ftp://a.example",
        "https://",
        "https:///v1",
        "https://a.example:port/v1",
        "https://a.example:99999/v1",
        "http://[::1/v1",
        "https://a.example/v1?x=1",
        "https://a.example/v1#x",
        "https://a example/v1",
    ],
)
def test_a_malformed_url_stops_with_its_variable(url: str, config: Config) -> None:
    with pytest.raises(BadSetting, match="REFLEX_UPSTREAM_ACME_URL"):
        load({}, {"REFLEX_UPSTREAM_ACME_URL": url}, config(""))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("prot = 1", "'port'"),
        ("[policy]\nexact_lifetim = 1", "'exact_lifetime'"),
        ("[polcy]", "'policy'"),
        ("[tenants.a]\ncachin = true", "'caching'"),
        ("[upstreams.a]\nbase-url = 'x'", "'base_url'"),
        ("zzz = 1", "known are"),
    ],
)
def test_unknown_names_in_the_file_are_refused_with_what_was_meant(text: str, hint: str, config: Config) -> None:
    with pytest.raises(BadSetting, match=re.escape(hint)):
        load({}, {}, config(text))


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("REFLEX_PROT", "REFLEX_PORT"),
        ("REFLEX_LOGLEVEL", "REFLEX_LOG_LEVEL"),
        ("REFLEX_STORAGE", "REFLEX_STORAGE_PATH"),
        ("REFLEX_UPSTREAM_openai_URL", "REFLEX_UPSTREAM_<NAME>_URL"),
        ("REFLEX_UPSTREAM_URL", "REFLEX_UPSTREAM_<NAME>_URL"),
    ],
)
def test_a_slip_in_a_variables_name_is_refused_with_what_was_meant(variable: str, hint: str, config: Config) -> None:
    with pytest.raises(BadSetting, match=f"{variable}.*{hint}"):
        load({}, {variable: "1"}, config(""))


@pytest.mark.parametrize("variable", ["REFLEX_SHARED", "REFLEX_REDIS_URL", "REFLEX_SNAPSHOT_PATH", "REFLEX_ENV_MODE"])
def test_variables_of_others_and_of_later_versions_are_left_alone(variable: str, config: Config) -> None:
    assert load({}, {variable: "1"}, config("")) == load({}, {}, config(""))


def test_a_file_that_was_named_must_be_there_and_readable(tmp_path: Path, config: Config) -> None:
    for missing in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadSetting, match=re.escape(str(missing))):
            load({}, {}, missing)
        with pytest.raises(BadSetting, match=re.escape(str(missing))):
            load({}, {"REFLEX_CONFIG": str(missing)})
    with pytest.raises(BadSetting, match=r"config\.toml"):
        load({}, {}, config("port = "))
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(BadSetting, match=r"latin\.toml"):
        load({}, {}, tmp_path / "latin.toml")


def test_the_file_may_be_named_by_variable_and_by_argument(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config("port = 4711")
    assert load({}, {"REFLEX_CONFIG": str(path)}).port == 4711
    other = tmp_path / "other.toml"
    other.write_text("port = 4712")
    assert load({}, {"REFLEX_CONFIG": str(path)}, other).port == 4712
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load({}, {"REFLEX_CONFIG": "~/other.toml"}).port == 4712


def test_policies_descend_from_the_general_one(config: Config) -> None:
    read = load(
        {},
        {},
        config(
            """
            [policy]
            exact_lifetime = 60
            on_leave = "finish"
            [tenants.quiet]
            caching = false
            [tenants.short]
            exact_lifetime = 0.5
            on_leave = "cancel"
            portable = true
            scrubs = ["scrub-wall-time"]
            """
        ),
    )
    general = Policy(exact_lifetime=60.0, on_leave=OnLeave.FINISH)
    assert read.policy == general
    assert read.policy_of("default") == general
    assert read.policy_of("anon-0123") == general
    assert read.policy_of("quiet") == Policy(exact_lifetime=60.0, on_leave=OnLeave.FINISH, caching=False)
    assert read.policy_of("short") == Policy(
        exact_lifetime=0.5, on_leave=OnLeave.CANCEL, portable=True, scrubs=frozenset({"scrub-wall-time"})
    )


def test_upstreams_are_added_and_changed(config: Config) -> None:
    path = config(
        """
        [upstreams.openai]
        base_url = "https://eu.example.org/v1/"
        [upstreams.my-co]
        base_url = "https://llm.example.org/v1"
        [upstreams.local]
        base_url = "http://localhost:9999/v1"
        [upstreams.ollama]
        keyless = false
        """
    )
    upstreams = load({}, {"REFLEX_UPSTREAM_GROQ_URL": "https://groq.example.org"}, path).upstreams
    assert upstreams["openai"].base_url == "https://eu.example.org/v1"
    assert upstreams["openai"].key_prefixes == PRESETS["openai"].key_prefixes
    assert (upstreams["my-co"].key_env, upstreams["my-co"].keyless) == ("MY_CO_API_KEY", False)
    assert upstreams["local"].keyless
    assert not upstreams["ollama"].keyless
    assert upstreams["groq"].base_url == "https://groq.example.org"
    assert upstreams["groq"].key_env == "GROQ_API_KEY"
    assert upstreams["xai"] == PRESETS["xai"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/v1", "http://localhost:8080", "http://[::1]:8080/v1", "http://LOCALHOST:8080/v1"]
)
def test_an_upstream_that_is_reflex_itself_stops_the_start(url: str, config: Config) -> None:
    for variable in ("REFLEX_UPSTREAM_OPENAI_URL", "REFLEX_UPSTREAM_OLLAMA_URL", "REFLEX_UPSTREAM_ACME_URL"):
        with pytest.raises(BadSetting, match="Reflex itself"):
            load({}, {variable: url}, config(""))
    with pytest.raises(BadSetting, match="Reflex itself"):
        load({"port": "80"}, {"REFLEX_UPSTREAM_ACME_URL": "http://localhost/v1"}, config(""))


def test_a_local_preset_whose_port_reflex_took_is_not_there(config: Config) -> None:
    read = load({"port": "11434"}, {}, config(""))
    assert "ollama" not in read.upstreams
    assert "vllm" in read.upstreams
    with pytest.raises(BadSetting, match=r"'ollama'.*Reflex itself"):
        load({"port": "11434", "default_upstream": "ollama"}, {}, config(""))


def test_names_of_hosts_and_origins_are_compared_in_lower_case(config: Config) -> None:
    read = load({}, {}, config("allowed_hosts = ['Reflex.Local']\nallowed_origins = ['https://App.example']"))
    assert read.allowed_hosts == {"reflex.local"}
    assert read.allowed_origins == {"https://app.example"}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_every_client_shows_a_token(address: str, config: Config) -> None:
    nothing = config("")
    assert not load({}, {}, nothing).wants_tokens
    assert load({}, {"REFLEX_AUTH_REQUIRED": "1"}, nothing).wants_tokens
    found = load({"bind_addr": address}, {}, nothing)
    assert (found.is_open, found.wants_tokens, found.remote_admin) == (True, True, False)
    with pytest.raises(BadSetting, match="every client must show a token"):
        load({"bind_addr": address}, {"REFLEX_AUTH_REQUIRED": "0"}, nothing)


def test_routes_by_model_are_read_in_order(config: Config) -> None:
    text = (
        '[[routes]]\nmodel = "gpt-*"\nupstream = "openai"\n'
        '[[routes]]\nmodel = "*"\nupstream = "mine"\ndialect = "messages"\n'
        '[upstreams.mine]\nbase_url = "https://x.example/v1"\n'
    )
    assert load({}, {}, config(text)).routes == (
        ModelRoute(model="gpt-*", upstream="openai"),
        ModelRoute(model="*", upstream="mine", dialect="messages"),
    )
    for bad, said in (
        ('routes = "gpt-*"', "[[routes]]"),
        ('[[routes]]\nupstream = "openai"', "model=None"),
        ('[[routes]]\nmodel = "x"\nupstream = "nope"', "'nope'"),
        ('[[routes]]\nmodel = "x"\nupstream = "openai"\ndialect = "soap"', "'soap'"),
        ('[[routes]]\nmodel = "x"\nupstream = "openai"\nmodels = 1', "'models'"),
    ):
        with pytest.raises(BadSetting, match=re.escape(said)):
            load({}, {}, config(bad))


@pytest.mark.skipif(os.name != "posix", reason="users have numbers on POSIX")
def test_users_are_named_or_numbered(config: Config) -> None:
    assert load({}, {}, config("")).allowed_users == frozenset()
    assert load({}, {}, config('allowed_users = ["root", 1001, "1002"]')).allowed_users == {0, 1001, 1002}
    assert load({}, {}, config('allowed_users = ["*"]')).allowed_users is None
    for text, said in (('"root"', "list"), ('["no-such-user"]', "no-such-user"), ("[-1]", "-1"), ("[true]", "True")):
        with pytest.raises(BadSetting, match=said):
            load({}, {}, config(f"allowed_users = {text}"))


def test_unconfigured_settings_know_flags_and_the_port_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFLEX_CONFIG", "/nowhere/at/all.toml")
    monkeypatch.setenv("REFLEX_TENANT", "nobody")
    monkeypatch.setenv("REFLEX_PORT", "9001")
    assert unconfigured({"bind_addr": "::1"}) == Settings(port=9001, bind_addr="::1")
    assert unconfigured({"port": "9002"}).port == 9002
    monkeypatch.setenv("REFLEX_PORT", "many")
    with pytest.raises(BadSetting, match="REFLEX_PORT"):
        unconfigured({})


def test_a_url_holds_no_password_and_the_message_does_not_show_it(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="REFLEX_UPSTREAM_X_URL") as refused:
        load({}, {"REFLEX_UPSTREAM_X_URL": "https://me:secret@example.com/v1"}, None)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["control.json", "salt", "stats.sqlite3", "tenants/default.sqlite3"])
def test_the_request_log_is_no_file_of_our_own(name: str, tmp_path: Path) -> None:
    environ = {"REFLEX_STORAGE_PATH": str(tmp_path), "REFLEX_REQUEST_LOG": str(tmp_path / name)}
    with pytest.raises(BadSetting, match="request_log"):
        load({}, environ, None)
    assert load({}, {**environ, "REFLEX_REQUEST_LOG": str(tmp_path / "requests.log")}, None).request_log is not None
