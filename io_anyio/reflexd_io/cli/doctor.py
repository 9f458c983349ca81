"""``reflexd doctor``: what could keep Reflex from working here, checked one by one."""

import argparse
import json
import os
import shutil
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reflexd_core.routing import Upstream
from reflexd_io import runtime
from reflexd_io.agents.address import address_of
from reflexd_io.agents.checking import troubles
from reflexd_io.agents.surroundings import Surroundings
from reflexd_io.agents.table import AGENTS
from reflexd_io.cli import settings_of
from reflexd_io.cli.status import ask_health
from reflexd_io.key_desk import upstreams_of
from reflexd_io.keyrings import PATIENCE, KeyringFault, backend_name, within
from reflexd_io.keys import Source, survey
from reflexd_io.peers import way_to_tell
from reflexd_io.proxies import UnusableProxy, proxy_at, proxy_for
from reflexd_io.settings import Settings
from reflexd_io.store import schema
from reflexd_io.store.room import tenants_in
from reflexd_io.tenants.registry import Registry

_MARKS = {"ok": "✓", "note": "·", "fault": "✗"}
_REACH_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    verdict: str
    """``ok``, ``note`` (worth knowing) or ``fault`` (will not work)."""
    said: str


def doctor(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    findings: list[Finding] = []
    for finding in _examine(settings):
        findings.append(finding)
        if not args.json:
            print(f"{_MARKS[finding.verdict]} {finding.what:<10} {finding.said}", flush=True)
    healthy = all(finding.verdict != "fault" for finding in findings)
    if args.json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
    return 0 if healthy else 1


def _examine(settings: Settings) -> Iterator[Finding]:
    yield _port(settings)
    yield _access(settings)
    yield _storage(settings)
    yield from _files(settings)
    yield _keyring()
    yield from _keys(settings)
    if settings.mock_provider:
        yield Finding("upstream", "ok", "the mock provider, which is always there (REFLEX_MOCK_PROVIDER)")
    else:
        yield _reach(settings.upstreams[settings.default_upstream])
    yield from _agents(settings)
    yield from _models(settings)


def _agents(settings: Settings) -> Iterator[Finding]:
    """Those that were set up, as they would be started from this folder."""
    try:
        address = address_of(settings)
        if not address.running and settings.port == 0:  # nobody knows where it will be
            return
        at = Surroundings(environ=os.environ, folder=Path.cwd(), address=address)
        for agent in AGENTS:
            found = troubles(agent, settings.storage_path / "agents", at)
            for said in found or ():
                yield Finding("agents", "note", f"{agent.title} may go past Reflex: {said}")
            if found == []:
                yield Finding("agents", "ok", f"{agent.title} is set up")
    except OSError as error:
        yield Finding("agents", "note", f"{error}")


def _models(settings: Settings) -> Iterator[Finding]:
    """Load them as `serve` will: what is wrong with them is told here in the same words."""
    if settings.inference_backend == "off":
        yield Finding("models", "note", "off: only exact repeats are answered (inference_backend)")
        return
    from reflexd_io import native  # noqa: PLC0415 - they take half a second, and only this looks at them
    from reflexd_io.inference import choose  # noqa: PLC0415 - likewise

    found = choose.load(
        settings.inference_backend, model_path=settings.model_path, reranker_path=settings.reranker_path
    )
    if (clashing := native.clash()) is not None:
        yield Finding("onnx", "note", clashing)
    if found.embedder is None or found.verifier is None:
        yield Finding("models", "fault", "; ".join(found.problems))
        return
    facts = found.verifier.facts
    watched = "" if facts.calibrated else "; it has no calibration, so what it accepts is only watched"
    yield Finding("models", "ok", f"{found.embedder.facts.model} and {facts.model} on {facts.device}{watched}")


def _port(settings: Settings) -> Finding:
    running = runtime.read(settings.storage_path)
    if running is not None and ask_health(running) is not None:
        return Finding("port", "ok", f"Reflex is running at {running.url}/v1 (pid {running.pid})")
    where = f"{settings.bind_addr}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.bind_addr else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.bind_addr, settings.port))
        except OSError as error:
            return Finding("port", "fault", f"{where}: {error.strerror}; choose another with --port or REFLEX_PORT")
    return Finding("port", "ok", f"{where} is free")


def _access(settings: Settings) -> Finding:
    """Who may ask."""
    users = settings.allowed_users
    if settings.is_open:
        return Finding("access", "note", f"beyond this machine, by {settings.bind_addr}; every client shows a token")
    if settings.wants_tokens:
        return Finding("access", "ok", "this machine only, and every client shows a token")
    if users is None or way_to_tell() is None:
        return Finding("access", "note", "every user of this machine; auth_required makes each client show a token")
    return Finding("access", "ok", f"you and root on this machine{f', and {len(users)} more' if users else ''}")


def _storage(settings: Settings) -> Finding:
    path = settings.storage_path
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            free = shutil.disk_usage(path).free
    except OSError as error:
        return Finding("storage", "fault", f"{path}: {error.strerror or error}; choose another with --storage-path")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("storage", "note", f"{path}: other users may look into it; close it with: chmod 700 {path}")
    if free < settings.storage_bytes:
        return Finding("storage", "note", f"{path}: {free / 1e9:.1f} GB free, less than storage_bytes allows to use")
    return Finding("storage", "ok", f"{path}: writable, {free / 1e9:.1f} GB free")


def _files(settings: Settings) -> Iterator[Finding]:
    for path in sorted((settings.storage_path / "tenants").glob("*.sqlite3")):
        try:
            connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2.0)
            try:
                schema.check(connection)
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            finally:
                connection.close()
        except (sqlite3.Error, schema.NewerSchema) as error:
            advice = f"answers are forwarded but not kept; move {path} away to start afresh"
            yield Finding("storage", "fault", f"{path.name}: {error}; {advice}")
            continue
        ok = verdict == "ok"
        held = f"{path.name}: {count} {'entry' if count == 1 else 'entries'}"
        yield Finding("storage", "ok" if ok else "fault", held if ok else f"{verdict}")


def _keyring() -> Finding:
    name = backend_name()
    if name is None:
        return Finding("keyring", "note", "no keyring here; keys come from clients or from the environment")
    return Finding("keyring", "ok", name)


def _keys(settings: Settings) -> Iterator[Finding]:
    """The active tenant's keys, as they are seen from here."""
    try:
        tenant = Registry(settings, files=tenants_in(settings.storage_path / "tenants")).tenancy.active
        upstreams = upstreams_of(settings, tenant).values()
        found = within(PATIENCE, lambda: survey(tenant.id, upstreams))
    except OSError as error:
        yield Finding("tenants", "fault", f"{error}")
        return
    except KeyringFault as fault:
        yield Finding("key", "note", f"{fault}")
        return
    for held in found:
        if held.source in (Source.KEYRING, Source.ENVIRONMENT):
            place = f"keyring ({tenant.name})" if held.source is Source.KEYRING else held.upstream.key_env
            yield Finding("key", "ok", f"{held.upstream.name}: from {place}")
    trouble = next((held.fault for held in found if held.fault is not None and held.fault.code != "no_keyring"), None)
    if trouble is not None:
        yield Finding("key", "note", f"{trouble}")


def _reach(upstream: Upstream) -> Finding:
    """Whether a connection can be opened, to the proxy where there is one, as requests will."""
    proxy = proxy_for(upstream.base_url)
    try:
        if proxy is not None:
            proxy_at(proxy)
    except UnusableProxy as error:
        return Finding("upstream", "fault", f"{upstream.name}: {error}")
    parts = urlsplit(proxy or upstream.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    where = f"{upstream.name}: {upstream.base_url}" + (f" (by the proxy {parts.hostname}:{port})" if proxy else "")
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=_REACH_TIMEOUT):
            return Finding("upstream", "ok", f"{where} can be reached")
    except OSError as error:
        advice = "check the network, HTTPS_PROXY, or the upstream's base_url"
        return Finding("upstream", "fault", f"{where}: {error.strerror or error}; {advice}")
