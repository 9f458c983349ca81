"""``reflexd tenants``, ``on``, ``off``, ``mode``: typed against a real daemon."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reflexd_io import cli
from support.asking import answer, chat
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def typed(storage: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Exit code, stdout and stderr of a command."""
    config = storage.parent / "config.toml"
    config.touch()
    monkeypatch.setenv("REFLEX_CONFIG", str(config))

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, "--storage-path", str(storage)])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


@pytest.fixture
def url(storage: Path, upstream: ScriptedUpstream) -> Iterator[str]:
    upstream.answers(Reply(body=answer()))
    with daemon(settings_for(storage, upstream.url)) as running:
        yield running.url


@pytest.mark.parametrize(
    "words", [("tenants", "list"), ("tenants", "add", "x"), ("on",), ("off",), ("mode",), ("tenants", "policy", "x")]
)
def test_without_a_daemon_that_is_said_with_a_code_of_its_own(typed: Typed, words: tuple[str, ...]) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (3, "")
    assert err.startswith("reflexd: ")


def test_a_tenants_life(typed: Typed, url: str) -> None:
    assert "x-reflex-tenant: acme" in typed("tenants", "add", "acme")[1]
    code, out, err = typed("tenants", "token", "acme", "add", "--name", "laptop", "--expires", "30d")
    token = out.strip()
    assert (code, token.startswith("rfx_"), "once" in err) == (0, True, True)
    assert chat(url, "q", Authorization=f"Bearer {token}")[1]["x-reflex-status"] == "miss"
    code, out, _ = typed("tenants", "token", "acme")
    assert "laptop" in out
    assert token not in out
    assert "is called job now" in typed("tenants", "rename", "acme", "job")[1]
    assert typed("tenants", "use", "job")[1].endswith("are job's now.\n")
    assert chat(url, "q")[1]["x-reflex-status"] == "hit-l1-exact"
    rows = json.loads(typed("tenants", "list", "--json")[1])["items"]
    assert [(row["name"], row["active"], row["tokens"]) for row in rows] == [("default", False, 0), ("job", True, 1)]
    listed = typed("tenants", "list")[1].splitlines()
    assert listed[1].startswith("* job")
    assert "1 token" in listed[1]
    assert "config.toml" not in listed[0]
    assert "revoked" in typed("tenants", "token", "job", "rm", "laptop")[1]
    assert typed("tenants", "rm", "job")[0] == 1
    assert "was removed" in typed("tenants", "rm", "job", "--force")[1]
    assert json.loads(typed("tenants", "list", "--json")[1])["active"] == "default"


def test_a_policy_is_shown_changed_and_taken_back(typed: Typed, url: str) -> None:
    out = typed("tenants", "policy", "default", "semantic=shadow", "exact_lifetime=60", "scrubs=[]")[1]
    shown = {line.split()[0]: line.split()[1:3] for line in out.splitlines()}
    assert shown["semantic"] == ['"shadow"', "tenant"]
    assert shown["exact_lifetime"] == ["60.0", "tenant"]
    assert shown["scrubs"] == ["[]", "tenant"]
    out = typed("tenants", "policy", "default", "semantic=")[1]
    assert '"on"' in next(line for line in out.splitlines() if line.startswith("semantic "))
    code, _, err = typed("tenants", "policy", "default", "semantic=maybe")
    assert (code, "expected 'off', 'shadow' or 'on'" in err) == (1, True)
    assert typed("tenants", "policy", "default", "semantic")[0] == 2


def test_off_on_and_mode(typed: Typed, url: str) -> None:
    assert typed("off", "--for", "30m")[1].startswith("Caching is off: paused until 2")
    assert chat(url, "q")[1]["x-reflex-status"] == "bypass"
    assert typed("on")[1] == "Caching is on; as the policies say.\n"
    assert "paused for the active tenant" in typed("off", "--tenant", "default")[1]
    assert chat(url, "q")[1]["x-reflex-status"] == "bypass"
    assert typed("on", "--tenant", "default")[0] == 0
    assert "exact repeats only" in typed("mode", "exact")[1]
    assert json.loads(typed("mode", "--json")[1])["mode"] == "exact"
    assert typed("off", "--for", "soon")[0] == 2
    assert typed("off", "--tenant", "nobody")[0] == 1


def test_keys_that_were_seen_are_listed_and_adopted(typed: Typed, url: str) -> None:
    assert "No client" in typed("tenants", "keys")[1]
    chat(url, "q", Authorization="Bearer sk-proj-0123456789abcdef")
    key, hint = typed("tenants", "keys")[1].split()[:2]
    assert (key.startswith("anon-"), hint) == (True, "…cdef")
    assert "the tenant's from now on" in typed("tenants", "adopt", "default", key)[1]
    assert "adopted by default" in typed("tenants", "keys")[1]
    assert "a tenant of their own again" in typed("tenants", "adopt", "default", key, "--undo")[1]


def test_upstreams_of_its_own(typed: Typed, url: str) -> None:
    assert typed("tenants", "upstream", "default", "mine=http://127.0.0.1:9/v1", "--default", "mine")[0] == 0
    assert "* mine         http://127.0.0.1:9/v1  (its own)" in typed("tenants", "upstream", "default")[1]
    assert typed("tenants", "upstream", "default", "mine=", "--default", "")[0] == 0
    assert "mine" not in typed("tenants", "upstream", "default")[1]
