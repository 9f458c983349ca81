"""Recorded exchanges of providers, given back byte for byte by a scripted upstream.

Each request carries the number of its row in a field that no rule names, so that equal requests of two rows stay two.
"""

import json
from typing import Any

from support.shared import shared_rows
from support.upstream import Reply, ScriptedUpstream

MARK = "reflex_test_row"

_FRAMING = ("content-length", "transfer-encoding", "content-encoding")


def play(upstream: ScriptedUpstream, name: str) -> list[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Have the upstream answer the rows of ``recorded/<name>``; gives number, row and marked request of each."""
    rows = shared_rows(f"recorded/{name}.jsonl.gz")
    upstream.script = lambda seen: reply_of(rows[json.loads(seen.body)[MARK]])
    return [(n, row, {**json.loads(row["request_body"]), MARK: n}) for n, row in enumerate(rows)]


def reply_of(row: dict[str, Any]) -> Reply:
    """The recorded answer; a stream comes in pieces that are cut anywhere."""
    headers = [(name, value) for name, value in row["response_headers"].items() if name.lower() not in _FRAMING]
    body = row["response_body"].encode()
    if not row["sse"]:
        return Reply(row["status"], headers, body)
    return Reply(row["status"], headers, [body[start : start + 301] for start in range(0, len(body), 301)])


def without_nulls(value: Any) -> Any:
    """What is left of parsed JSON when absent and null are taken for the same, as SDKs do."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value
