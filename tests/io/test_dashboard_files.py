"""The dashboard's files and their policy, colours that can be read, and codes that are good once."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reflexd_io import dashboard as page_files
from reflexd_io.dashboard.sessions import CODE_LIVES, MOST, SESSION_LIVES, Sessions
from reflexd_io.runtime import Runtime
from support.asking import answer, control, fetch
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Runtime]:
    upstream.answers(Reply(body=answer()))
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as running:
        yield running


def test_its_files_are_served_with_a_strict_policy(reflex: Runtime) -> None:
    status, headers, body = fetch(f"{reflex.url}/dashboard")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert b"<script>" not in body
    assert b" style=" not in body
    for name in page_files.files():
        content = fetch(f"{reflex.url}/dashboard/{name}")[2]
        assert b"http://" not in content.replace(b"http://www.w3.org/", b"")
        assert b"https://" not in content
        assert b".innerHTML" not in content
    assert fetch(f"{reflex.url}/dashboard", If_None_Match=headers["etag"])[0] == 304
    assert fetch(f"{reflex.url}/dashboard", method="HEAD")[2] == b""
    for path in ("nothing.js", "../sessions.py", "%2e%2e/sessions.py", "page/index.html"):
        assert fetch(f"{reflex.url}/dashboard/{path}")[0] == 404
    status, headers, _ = fetch(f"{reflex.url}/dashboard", b"{}")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


def test_its_colours_can_be_read_as_text() -> None:
    """Contrast as WCAG 2.1 counts it, of every colour that words are set in, on both grounds of both themes."""
    style = page_files.files()["style.css"][0].decode()
    themes = re.findall(r":root(?:\[[^]]*\])? \{([^}]*--ground[^}]*)\}", style)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme))
        grounds = [colours.pop("ground"), colours.pop("card")]
        ink = colours.pop("accent-ink")
        del colours["line"]
        assert len(colours) == 10
        assert contrast(ink, colours["accent"]) >= 4.5
        for name, colour in colours.items():
            assert min(contrast(colour, ground) for ground in grounds) >= 4.5, name


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_a_code_is_exchanged_once(reflex: Runtime) -> None:
    code = control(reflex, "/admin/dashboard/code", {})
    assert code["url"] == f"{reflex.url}/dashboard#code={code['code']}"
    assert reflex.admin_token not in code["url"]
    exchange, body = f"{reflex.url}/dashboard/session", json.dumps({"code": code["code"]}).encode()
    status, headers, said = fetch(exchange, body)
    assert (status, headers["cache-control"]) == (200, "no-store")
    token = json.loads(said)["token"]
    assert fetch(f"{reflex.url}/admin/stats", Authorization=f"Bearer {token}")[0] == 200
    assert fetch(exchange, body)[0] == 401
    assert fetch(exchange, b'{"code": "guess"}')[0] == 401
    assert fetch(exchange, b"[]")[0] == 400
    assert fetch(exchange, b"\xff")[0] == 400
    status, headers, _ = fetch(exchange)
    assert (status, headers["allow"]) == (405, "POST")
    assert fetch(f"{reflex.url}/admin/dashboard/code", b"{}")[0] == 401
    assert fetch(exchange, body, Origin="https://example.org")[0] == 403


def test_codes_and_sessions_lapse_and_are_bounded() -> None:
    now = [0.0]
    sessions = Sessions(clock=lambda: now[0])
    early, late = sessions.code(), sessions.code()
    token = sessions.exchange(early)
    assert token is not None
    assert sessions.allows(token)
    assert not sessions.allows(late)
    now[0] = CODE_LIVES
    assert sessions.exchange(late) is None
    now[0] = SESSION_LIVES
    assert not sessions.allows(token)
    first = sessions.code()
    for _ in range(MOST):
        sessions.code()
    assert sessions.exchange(first) is None
    fresh = sessions.exchange(sessions.code())
    assert fresh is not None
    sessions.end(fresh)
    assert not sessions.allows(fresh)
    assert sessions.exchange("\udcff") is None


def test_the_command_prints_an_address(reflex: Runtime, tmp_path: Path) -> None:
    run = [sys.executable, "-m", "reflexd_io.cli", "dashboard", "--storage-path", str(tmp_path / "storage")]
    shown = subprocess.run([*run, "--no-open"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown.startswith(f"{reflex.url}/dashboard#code=")
    told = json.loads(subprocess.run([*run, "--json"], capture_output=True, text=True, check=True).stdout)
    assert told["lives"] == CODE_LIVES
