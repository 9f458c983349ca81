"""What Tauq saves, per kind of content, in bytes and in tokens, as one Markdown table:

    uv run --with bpe-openai python tests/bench/tauq.py     # tokens as o200k_base counts them
    uv run python tests/bench/tauq.py                       # tokens estimated (`estimate`), and said so

The yardstick is minified JSON, the shortest JSON there is. Made kinds come from a seeded generator; recorded kinds
are read from the shared test data and left out where it is absent. Every text is read back before it counts.
"""

import gzip
import json
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reflexd_core.canonical import Json, Uncomparable, read_json
from reflexd_core.tauq import Inexpressible, Style, decode, encode
from reflexd_core.tauq.served import Format, serve

SHARED = Path(os.environ.get("REFLEX_SHARED") or Path(__file__).resolve().parents[3] / "shared" / "data")
WORDS = ["cache", "answer", "prove", "forward", "provider", "agent", "pays", "twice", "question", "store", "entry"]

_PIECE = re.compile(r" ?[^\W\d_]+|\d{1,3}|\s*\n\s*|[^\w\s]+ ?|_|\s")

Kind = tuple[str, list[Json]]


def estimate(text: str) -> int:
    """Tokens of a text, roughly: one for each 10 letters of a word begun, three digits, four signs in a row, a line's
    end with its margin, and a space that stands alone. Set to o200k_base on the documents below, of which the script
    says how far off it is."""
    return sum(_pieces(piece.strip()) for piece in _PIECE.findall(text))


def _pieces(piece: str) -> int:
    if piece.isalpha():
        return -(-len(piece) // 10)
    return 1 if piece.isalnum() or not piece else -(-len(piece) // 4)


def tokenizer() -> tuple[str, Callable[[str], int]]:
    try:
        from bpe_openai import get_encoding  # type: ignore[import-not-found]
    except ImportError:
        return "tokens, estimated", estimate
    o200k = get_encoding("o200k_base")
    return "tokens (o200k_base)", lambda text: len(o200k.encode(text))


def made() -> Iterator[Kind]:
    """Twenty documents of each kind."""
    draw = random.Random(7)

    def words(count: int) -> str:
        return " ".join(draw.choices(WORDS, k=count))

    def user(number: int) -> dict[str, Json]:
        name = draw.choice(["Ann", "Bob", "Zoë", "Li Wei", "Grace Hopper"])
        return {
            "id": number,
            "name": name,
            "email": f"user{number}@example.com",
            "active": draw.random() < 0.7,
            "score": round(draw.random() * 100, 2),
        }

    def order(number: int) -> dict[str, Json]:
        items: list[Json] = [
            {"sku": f"A-{draw.randrange(999)}", "count": draw.randrange(1, 5), "price": round(draw.random() * 50, 2)}
            for _ in range(draw.randrange(1, 5))
        ]
        return {"id": number, "customer": {"name": words(2), "city": "Bern"}, "items": items, "note": words(4)}

    def event() -> dict[str, Json]:
        plain: dict[str, Json] = {"at": f"2026-11-{draw.randrange(10, 30)}T12:00:00Z", "kind": draw.choice(WORDS)}
        extra: list[dict[str, Json]] = [{"level": "error", "message": words(6)}, {"user": draw.randrange(99)}, {}]
        return {**plain, **draw.choice(extra)}

    def config() -> dict[str, Json]:
        return {
            "server": {
                "host": "127.0.0.1",
                "port": draw.randrange(1024, 9999),
                "tls": {"enabled": True, "cert": "/a/b"},
            },
            "limits": {"requests": 100, "burst": draw.randrange(9), "paths": ["/v1", "/admin", words(1)]},
            "features": {draw.choice(WORDS): draw.random() < 0.5 for _ in range(4)},
        }

    yield "table, 100 rows", [[user(n) for n in range(100)] for _ in range(20)]
    yield "table, 3 rows", [[user(n) for n in range(3)] for _ in range(20)]
    yield (
        "object with two tables of 10",
        [
            {"users": [user(n) for n in range(10)], "admins": [{**user(n), "role": "admin"} for n in range(10)]}
            for _ in range(20)
        ],
    )
    yield "rows with lists of objects inside", [{"orders": [order(n) for n in range(20)]} for _ in range(20)]
    yield "unlike objects (events)", [[event() for _ in range(30)] for _ in range(20)]
    yield "nested configuration", [config() for _ in range(20)]
    yield "one flat object", [user(n) for n in range(20)]
    yield "list of 100 numbers", [[round(draw.random(), 4) for _ in range(100)] for _ in range(20)]
    yield "prose in one field", [{"answer": words(150) + ".", "sure": True} for _ in range(20)]


def recorded() -> Iterator[Kind]:
    """What providers and tools were seen to say."""
    chat = list(_rows("recorded/openai_chat.jsonl.gz"))
    messages = list(_rows("recorded/anthropic_messages.jsonl.gz"))
    responses = list(_rows("recorded/openai_responses.jsonl.gz"))
    if not chat:
        return
    said = [*_said_in_chat(chat), *_said_in_messages(messages)]
    yield f"recorded: answers that are JSON ({len(_json_in(said))} of {len(said)})", _json_in(said)
    airline = [turn for row in _rows("prompts/tau_bench_airline.jsonl.gz") for turn in row["messages"]]
    results = [turn for row in chat for turn in (_value(row["request_body"]) or {}).get("messages", [])]
    tool_results = [turn["content"] for turn in [*results, *airline] if turn.get("role") == "tool"]
    yield "recorded: tool results that are JSON", _json_in([text for text in tool_results if isinstance(text, str)])
    yield (
        "recorded: lists of tools",
        [tools for row in [*chat, *messages] if (tools := (_value(row["request_body"]) or {}).get("tools"))],
    )
    for wire, rows in (("chat", chat), ("messages", messages), ("responses", responses)):
        yield f"recorded: whole bodies of {wire}", _json_in([row["response_body"] for row in _whole(rows)])


def _rows(relative: str) -> Iterator[dict[str, Any]]:
    path = SHARED / relative
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _whole(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["status"] == 200 and not row["sse"]]


def _said_in_chat(rows: list[dict[str, Any]]) -> list[str]:
    choices = [choice for row in _whole(rows) for choice in (_value(row["response_body"]) or {}).get("choices", [])]
    return [text for choice in choices if isinstance(text := choice.get("message", {}).get("content"), str)]


def _said_in_messages(rows: list[dict[str, Any]]) -> list[str]:
    blocks = [block for row in _whole(rows) for block in (_value(row["response_body"]) or {}).get("content", [])]
    return [block["text"] for block in blocks if block.get("type") == "text"]


def _json_in(texts: list[str]) -> list[Json]:
    return [value for text in texts if isinstance(value := _value(text), list | dict)]


def _value(text: str) -> Any:
    try:
        return read_json(text.encode())
    except (Uncomparable, UnicodeEncodeError):
        return None


def row(kind: str, documents: list[Json], count: Callable[[str], int]) -> str:
    plain, tauq, minified = [], [], []
    for document in documents:
        try:
            written = encode(document)
            minified.append(encode(document, Style(minify=True)))
        except Inexpressible:
            continue
        assert decode(written) == document
        tauq.append(written)
        plain.append(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    shorter = sum(len(ours.encode()) < len(theirs.encode()) for ours, theirs in zip(tauq, plain, strict=True))
    cells = [
        kind,
        f"{len(tauq)} of {len(documents)}",
        f"{_sum(_bytes, plain)} → {_sum(_bytes, tauq)}",
        f"{_change(_bytes, plain, tauq)} ({_change(_bytes, plain, minified)})",
        f"{_sum(count, plain)} → {_sum(count, tauq)}",
        f"{_change(count, plain, tauq)} ({_change(count, plain, minified)})",
        f"{shorter}",
    ]
    return f"| {' | '.join(cells)} |"


def _bytes(text: str) -> int:
    return len(text.encode())


def _sum(count: Callable[[str], int], texts: list[str]) -> int:
    return sum(map(count, texts))


def _change(count: Callable[[str], int], before: list[str], after: list[str]) -> str:
    return f"{_sum(count, after) / _sum(count, before) - 1:+.0%}"


def answers() -> Iterator[str]:
    """Whole answers as they would be served: how many become Tauq, and what becomes of those bodies' bytes."""
    for wire in ("openai_chat", "anthropic_messages", "openai_responses"):
        bodies = [row["response_body"] for row in _whole(list(_rows(f"recorded/{wire}.jsonl.gz")))]
        plain = [json.dumps(body, separators=(",", ":"), ensure_ascii=False) for body in _json_in(bodies)]
        for asked in (Format.CONTENT, Format.ENVELOPE):
            pairs = [(body, serve(body.encode(), asked, "")) for body in plain]
            changed = [(body, served.body.decode()) for body, served in pairs if served.told == asked]
            if changed:
                change = _change(_bytes, [body for body, _ in changed], [body for _, body in changed])
                yield f"| {wire} | `{asked}` | {len(changed)} of {len(plain)} | {change} |"


def speed() -> str:
    """Against the standard library's JSON, whose work is done in C."""
    document = dict(made())["table, 100 rows"][0]
    text, plain = encode(document), json.dumps(document)
    took = [_p50(lambda: encode(document)), _p50(lambda: decode(text))]
    theirs = [_p50(lambda: json.dumps(document)), _p50(lambda: json.loads(plain))]
    ratios = [f"{ours:.1f} ms, {ours / other:.0f} ×" for ours, other in zip(took, theirs, strict=True)]
    return (
        f"A table of 100 rows, {len(plain)} bytes of JSON: encode (and verify) {ratios[0]} the standard library's "
        f"dumps; decode {ratios[1]} its loads."
    )


def _p50(work: Callable[[], object]) -> float:
    """Milliseconds of CPU."""
    took = []
    for _ in range(50):
        began = time.process_time_ns()
        work()
        took.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(took)


def main() -> None:
    unit, count = tokenizer()
    print(f"| kind | documents | bytes | change (minified) | {unit} | change (minified) | shorter |")
    print("|---|---|---|---|---|---|---|")
    everything: list[Json] = []
    for kind, documents in [*made(), *recorded()]:
        print(row(kind, documents, count), flush=True)
        everything += documents
    print("\n| answers | asked for | became Tauq | bytes of those bodies |\n|---|---|---|---|")
    for line in answers():
        print(line)
    print(f"\n{speed()}")
    if count is not estimate:
        off = [_off([write(document) for document in everything], count) for write in (json.dumps, encode)]
        print(
            f"Without the tokenizer: the estimate is off by {off[0]:+.0%} for JSON, {off[1]:+.0%} for Tauq (median)."
        )


def _off(texts: list[str], count: Callable[[str], int]) -> float:
    return statistics.median(estimate(text) / count(text) - 1 for text in texts)


if __name__ == "__main__":
    sys.exit(main())
