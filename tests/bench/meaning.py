"""What answering by meaning costs, end to end: hits, refusals, and the miss that it delays.

``uv run python tests/bench/meaning.py [--pairs N]``. One daemon in a process of its own, a provider that answers at
once, one client. Questions are first texts of hand-written families; each is asked again in other words (a hit or a
refusal) and by a near-miss. Times are the client's; the tiers' own are what ``Server-Timing`` told.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.chat import answer
from support.process import serving
from support.upstream import ScriptedUpstream
from support.wire import KEY

FAMILIES = Path(__file__).resolve().parents[2] / "packaging" / "models" / "families"
WORDS = 24
"""Questions of at most so many words: about 32 tokens."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    args = parser.parse_args()
    families = _families(args.pairs)
    with tempfile.TemporaryDirectory() as folder, ScriptedUpstream().running() as upstream:
        upstream.script = answer
        with serving(Path(folder) / "store", upstream.url, inference="auto") as daemon:
            client = Client(daemon.url)
            client.wait_for_models()
            for family in families:
                client.ask(family[0])
            time.sleep(1.0)  # the last ones are on disk
            told = [client.ask(text) for family in families for text in family[1:]]
    _report(told)


class Client:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def wait_for_models(self) -> None:
        while True:
            self._connection.request("GET", "/ready")
            models = json.load(self._connection.getresponse())["components"]["models"]
            if models["status"] != "loading":
                print(f"models: {models}", file=sys.stderr)
                return
            time.sleep(0.05)

    def ask(self, question: str) -> dict[str, str]:
        """The answer's headers, and how long it took, milliseconds."""
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": question}]})
        began = time.perf_counter()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        self._connection.request("POST", "/v1/chat/completions", body, headers)
        response = self._connection.getresponse()
        response.read()
        took = (time.perf_counter() - began) * 1000
        return {**{name.lower(): value for name, value in response.getheaders()}, "took": str(took)}


def _families(count: int) -> list[list[str]]:
    """First text, another wording, a near-miss."""
    found: list[list[str]] = []
    for file in sorted(FAMILIES.glob("p*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            family = json.loads(line)
            texts = [family["same"][0], family["same"][1], family["near"][0]["q"][0]]
            if not family.get("slots") and all(len(text.split()) <= WORDS for text in texts):
                found.append(texts)
    return found[:: max(1, len(found) // count)][:count]


def _report(told: list[dict[str, str]]) -> None:
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for each in told:
        reason = each.get("x-reflex-reason", "").partition("-")[0]
        groups[f"{each['x-reflex-status']} ({reason})"].append(each)
    print("| answered by | n | p50 ms | p95 ms | form | embed | L2 | L3 (medians, ms) |")
    print("|---" * 8 + "|")
    for name, members in sorted(groups.items()):
        took = sorted(float(each["took"]) for each in members)
        tiers = [_median(members, tier) for tier in ("form", "embed", "l2", "l3")]
        p50, p95 = statistics.median(took), took[int(len(took) * 0.95)]
        print(f"| {name} | {len(took)} | {p50:.1f} | {p95:.1f} | {' | '.join(tiers)} |")


def _median(members: list[dict[str, str]], tier: str) -> str:
    spent = [
        float(part.partition("dur=")[2])
        for each in members
        for part in each.get("server-timing", "").split(", ")
        if part.startswith(f"{tier};")
    ]
    return f"{statistics.median(spent):.2f}" if spent else "–"


if __name__ == "__main__":
    main()
