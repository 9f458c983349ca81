"""The official npm SDK on the machine's own Node.js, with nothing changed but its baseURL.

The package is installed once, into the user's cache folder. Where Node.js, npm or the package cannot be had, the
tests are skipped and say why.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from filelock import FileLock

from support import chat
from support.upstream import ScriptedUpstream

pytestmark = [pytest.mark.node, pytest.mark.slow]

MAJOR = 7
"""Of the npm package ``openai``; the one these tests were written with."""

SCRIPT = Path(__file__).resolve().parents[1] / "support" / "node" / "chat.mjs"
KEY = "sk-proj-0123456789abcdef0123456789abcdef"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

Node = Callable[..., list[dict[str, Any]]]


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _asks(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}], **more}


REQUESTS: dict[str, dict[str, Any]] = {
    "plain": _asks("hi"),
    "tools": _asks("weather?", tools=[_tool("get_weather"), _tool("get_time")]),
    "n=2": _asks("hi", n=2),
    "logprobs": _asks("hi", logprobs=True, top_logprobs=2),
    "n=2 with logprobs": _asks("hi", n=2, logprobs=True),
    "json": _asks("hi", response_format={"type": "json_object"}),
    "image": _asks([{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]),
}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture(scope="session")
def package() -> Path:
    """The folder that holds the npm package, made once for this machine."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("Node.js and npm are not installed here")
    cache = platformdirs.user_cache_path("reflexd-tests", appauthor=False)
    folder = cache / f"openai-{MAJOR}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "npm.lock", timeout=300):
            if not folder.exists():
                _install(npm, cache, folder)
    except OSError as error:
        pytest.skip(f"{cache} cannot be used: {error}")
    done = _run({"package": str(folder), "baseURL": "http://127.0.0.1:1/v1", "apiKey": KEY, "requests": []})
    if done.returncode:
        pytest.skip(f"openai@{MAJOR} does not run on this Node.js: {_last_line(done.stderr)}")
    return folder


def _install(npm: str, cache: Path, folder: Path) -> None:
    """Beside its place first, so that what was broken off is never taken for whole."""
    with tempfile.TemporaryDirectory(dir=cache) as fresh:
        quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        command = [npm, "install", *quiet, "--prefix", f"{fresh}/made", f"openai@{MAJOR}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=fresh)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install openai@{MAJOR} in time")
        if done.returncode:
            pytest.skip(f"npm cannot install openai@{MAJOR}: {_last_line(done.stderr)}")
        Path(fresh, "made").rename(folder)


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["it says nothing"])[-1]


def _run(task: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node") or "node"
    return subprocess.run(
        [node, str(SCRIPT)], input=json.dumps(task), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def node(package: Path) -> Node:
    """Ask all these, one after the other, in one process; what the SDK made of each."""

    def ask(base_url: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        done = _run({"package": str(package), "baseURL": base_url, "apiKey": KEY, "requests": requests})
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)
        assert isinstance(answers, list)
        return answers

    return ask


def _whole(final: dict[str, Any]) -> Any:
    """What an application has once all is there; from a body and from a stream the same."""
    choices = []
    for choice in final["choices"]:
        message = choice["message"]
        calls = [
            (call["id"], call["type"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls") or []
        ]
        logprobs = (choice.get("logprobs") or {}).get("content")
        said = (message["role"], message.get("content") or "", message.get("refusal") or "")
        choices.append((choice["index"], *said, calls, logprobs, choice["finish_reason"]))
    return final["id"], final["model"], final.get("usage"), choices


@pytest.mark.parametrize("recorded", ["body", "stream"])
def test_the_sdk_parses_the_same_directly_and_through_miss_and_hits(
    node: Node, reflex: str, upstream: ScriptedUpstream, recorded: str
) -> None:
    upstream.script = chat.answer
    asked: list[dict[str, Any]] = []
    for body in REQUESTS.values():
        stream = {**body, **STREAM}
        first, other = (body, stream) if recorded == "body" else (stream, body)
        asked += [first, first, other, {**stream, "final": True}]
    direct = node(upstream.url, *asked)
    upstream.seen.clear()
    through = node(reflex, *asked)
    assert upstream.calls == len(REQUESTS)  # of each, nothing but the first ever left the machine
    for place, name in enumerate(REQUESTS):
        wanted, _, wanted_other, wanted_final = direct[place * 4 : place * 4 + 4]
        missed, hit, turned, final = through[place * 4 : place * 4 + 4]
        assert [missed["status"], hit["status"], turned["status"]] == ["miss", "hit-l1-exact", "hit-l1-exact"], name
        assert missed["id"] == hit["id"] == turned["id"] == "req_chat", name
        assert missed["parsed"] == wanted["parsed"], name
        assert hit["parsed"] == wanted["parsed"], name
        assert _whole(final) == _whole(wanted_final), name
        if recorded == "stream":
            assert _whole(turned["parsed"]) == _whole(wanted_other["parsed"]), name
        else:
            assert turned["parsed"][-1]["usage"] == wanted_other["parsed"][-1]["usage"], name


def test_a_stream_without_usage_has_none(node: Node, reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = chat.answer
    _, bare = node(reflex, {**REQUESTS["plain"], **STREAM}, {**REQUESTS["plain"], "stream": True})
    assert bare["status"] == "hit-l1-exact"
    assert not any(chunk.get("usage") for chunk in bare["parsed"])
    assert not any(chunk["choices"] == [] for chunk in bare["parsed"])
    assert upstream.calls == 1


def test_a_refusal_of_reflexs_own_is_an_error_that_says_what_to_do(
    node: Node, reflex: str, upstream: ScriptedUpstream
) -> None:
    (refused,) = node(reflex, _asks("hi", functions=[{"name": "f", "parameters": {}}]))
    assert (refused["error"], refused["code"]) == ("BadRequestError", 400)
    assert "'tools'" in refused["message"]
    assert refused["body"]["type"] == "invalid_request_error"
    assert upstream.calls == 0
