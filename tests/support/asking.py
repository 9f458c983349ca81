"""Asking a daemon as a client does, and its control API with the admin token."""

import json
import urllib.error
import urllib.request
from typing import Any

from reflexd_io.runtime import Runtime

KEY = "reflex"
"""A placeholder: what is asked with it belongs to the active tenant."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxies this machine's environment names."""


def answer(model: str = "gpt-4o-2024-08-06", given: int = 1000, made: int = 100, cached: int = 0) -> bytes:
    """A chat completion with this usage."""
    usage = {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "model": model, "choices": [choice], "usage": usage}).encode()


def fetch(
    url: str, body: bytes | None = None, method: str | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, and body, of whatever came back."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, named, method=method)
    try:
        with _DIRECT.open(request, timeout=20) as found:
            return found.status, {name.lower(): value for name, value in found.headers.items()}, found.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def chat(url: str, question: str, model: str = "gpt-4o", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """``url``: the daemon's, without a path."""
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    sent = {"Content_Type": "application/json", "Authorization": f"Bearer {KEY}", **headers}
    return fetch(f"{url}/v1/chat/completions", json.dumps(body).encode(), **sent)


def control(running: Runtime, path: str, body: Any = None, method: str | None = None) -> Any:
    """The control API's answer, read. Fails unless it is one of success."""
    raw = json.dumps(body).encode() if body is not None else None
    status, _, said = fetch(running.url + path, raw, method, Authorization=f"Bearer {running.admin_token}")
    assert status < 300, (status, said)
    return json.loads(said)
