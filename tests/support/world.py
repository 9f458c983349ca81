"""What a scripted daemon knows: a morning with three agents, told by a clock that stands."""

from dataclasses import dataclass
from typing import Any

import msgspec

from reflexd_io.control_client.shapes.entries import EntryDetail, EntryRow, OtherWording, TrashRow, Use
from reflexd_io.control_client.shapes.exchanges import (
    Audits,
    CandidateRow,
    Difference,
    ExchangeDetail,
    ExchangeRow,
    Explained,
    Interval,
    Tier,
)
from reflexd_io.control_client.shapes.keys import KeyRow
from reflexd_io.control_client.shapes.stats import Percentiles, Point, Stats, TenantStorage, TopModel, TopQuestion
from reflexd_io.control_client.shapes.tenants import SeenKey, Setting, State, TenantRow, TokenRow

NOW = 1_764_072_000.0
"""2025-11-25 12:00:00 UTC."""

ANSWER = """\
Use a **flex container** on the parent:

```css
.parent {
  display: flex;
  align-items: center;      /* vertical */
  justify-content: center;  /* horizontal */
}
```

or, shorter, a grid:

```css
.parent { display: grid; place-items: center; }
```

| way | browsers | lines |
|---|---|---|
| flex | all since 2015 | 3 |
| grid | all since 2017 | 2 |

1. Give the parent a height, or there is nothing to centre in.
2. `margin: auto` on the child works as well.
"""

_QUESTIONS = (
    ("claude-code", "messages", "claude-sonnet-4-5", "Why does pytest collect no tests in the io folder?"),
    ("codex", "responses", "gpt-5-codex", "Refactor parse_header so that it takes bytes"),
    ("opencode", "chat", "gpt-4o", "How do I centre a div?"),
    ("openai-python", "chat", "gpt-4o-mini", "Summarise this changelog in three sentences"),
    ("claude-code", "messages", "claude-haiku-4-5", "Write a commit message for the staged changes"),
    ("aider", "chat", "gpt-4o", "What is the difference between a mutex and a semaphore?"),
    ("openai-python", "embeddings", "text-embedding-3-small", ""),
)
_OUTCOMES = (
    ("miss", 2841.0), ("hit-l1-exact", 0.6), ("hit-l1-exact", 0.7), ("hit-l3-verified", 9.4), ("miss", 1530.0),
    ("hit-l1-exact", 0.5), ("bypass", 890.0), ("hit-l3-verified", 11.2), ("hit-l1-exact", 0.6), ("miss", 4120.0),
)  # fmt: skip


def exchange(number: int, **changes: Any) -> ExchangeRow:
    client, dialect, model, question = _QUESTIONS[number % len(_QUESTIONS)]
    status, ms = _OUTCOMES[number % len(_OUTCOMES)]
    if dialect == "embeddings" and status == "hit-l3-verified":
        status, ms = "hit-l1-exact", 0.5
    hit = status.startswith("hit")
    row = ExchangeRow(
        id=f"x{number:05d}", at=NOW - 600 + number * 7, tenant=("work", "work", "home")[number % 3], client=client,
        dialect=dialect, model=model, form="stream" if number % 2 else "body", status=status, ms=ms,
        first_byte_ms=ms / 3, input_tokens=900 + 37 * number, output_tokens=240 + 11 * number,
        saved_tokens=1140 + 48 * number if hit else 0, saved_dollars=0.0042 + number * 0.0003 if hit else 0.0,
        question=question, entry=None if status == "bypass" else f"e{number:05d}",
        reason={"miss": "nothing stored is equal", "bypass": "x-bypass-cache"}.get(status, ""),
    )  # fmt: skip
    return msgspec.structs.replace(row, **changes)


def entry(number: int, **changes: Any) -> EntryRow:
    _, dialect, model, question = _QUESTIONS[number % len(_QUESTIONS)]
    row = EntryRow(
        id=f"e{number:05d}", tenant=("work", "work", "home")[number % 3], dialect=dialect, model=model,
        upstream="anthropic" if dialect == "messages" else "openai", created=NOW - 3600 * number - 60,
        used=NOW - 600 * number, expires=NOW + 86_400 * (30 - number % 29), hits=(number * 7) % 23,
        size=1800 + 977 * (number % 40), exact_only=number % 5 == 0, pinned=number % 11 == 3, question=question,
        answer=f"Answer {number}" if question else "", input_tokens=900, output_tokens=240,
    )  # fmt: skip
    return msgspec.structs.replace(row, **changes)


@dataclass
class World:
    state: State
    exchanges: list[ExchangeRow]
    details: dict[str, ExchangeDetail]
    explained: dict[str, Explained]
    entries: dict[str, EntryRow]
    entry_details: dict[str, EntryDetail]
    trash: dict[str, tuple[TrashRow, list[EntryRow]]]
    tenants: dict[str, TenantRow]
    policy: list[Setting]
    tokens: list[TokenRow]
    keys: list[KeyRow]
    seen: list[SeenKey]
    stats: Stats
    audits: Audits


PARAPHRASE = exchange(
    60, status="hit-l3-verified", ms=9.4, client="opencode", dialect="chat", model="gpt-4o", entry="e00002",
    question="how can a div be centred?", tenant="work", saved_tokens=1320, saved_dollars=0.0118, reason="",
    first_byte_ms=9.2,
)  # fmt: skip
MISSED = exchange(
    61, status="miss", ms=2841.0, client="claude-code", dialect="messages", model="claude-sonnet-4-5", tenant="work",
    question="Why does pytest collect no tests in the io folder?", entry="e00000", reason="nothing stored is equal",
    saved_tokens=0, saved_dollars=0.0, first_byte_ms=612.0,
)  # fmt: skip


def _paraphrase() -> ExchangeDetail:
    return ExchangeDetail(
        row=PARAPHRASE, path="/v1/chat/completions", upstream="openai",
        tiers=[
            Tier(name="exact", ms=0.04, outcome="nothing"),
            Tier(name="form", ms=0.02, outcome="nothing"),
            Tier(name="embed", ms=4.1, outcome="found"),
            Tier(name="near", ms=0.3, outcome="found"),
            Tier(name="judge", ms=4.9, outcome="accepted"),
        ],
        rules=["drop stream", "drop stream_options", "drop user"],
        similarity=0.9312, score=0.9874, threshold=0.9650,
        candidates=[
            CandidateRow(entry="e00002", question="How do I centre a div?", similarity=0.9312, score=0.9874,
                         accepted=True),
            CandidateRow(entry="e00009", question="How do I centre a div horizontally only?", similarity=0.9011,
                         guard="literals differ", words=["horizontally", "only"]),
        ],
        question=PARAPHRASE.question, stored_question="How do I centre a div?", pairing=True,
    )  # fmt: skip


def _missed() -> tuple[ExchangeDetail, Explained]:
    detail = ExchangeDetail(
        row=MISSED, path="/v1/messages", upstream="anthropic",
        tiers=[Tier(name="exact", ms=0.05, outcome="nothing"), Tier(name="upstream", ms=2839.2, outcome="answered")],
        rules=["drop metadata", "drop cache_control", "drop system[0] billing header"],
        exact_only="the conversation has tools and is past its first turn", question=MISSED.question,
    )  # fmt: skip
    told = Explained(
        exchange=MISSED.id, nearest="x00054", nearest_at=NOW - 222,
        why="It differs from the nearest earlier request in 5 places; the first is the system prompt's date.",
        differences=[
            Difference(path="$.system[1].text", kind="changed", before='"… Today is 2025-11-24 …"',
                       after='"… Today is 2025-11-25 …"'),
            Difference(path="$.messages[3].content[0].text", kind="added", after='"run the tests again"'),
            Difference(path="header anthropic-beta", kind="removed", before="context-1m-2025-08-07"),
        ],
        more=2, rules=["drop metadata"], nearest_rules=["drop metadata", "drop cache_control"],
    )  # fmt: skip
    return detail, told


def _stats() -> Stats:
    kinds = ("hit-l1-exact", "hit-l3-verified", "miss", "bypass")
    steps = [(20 + 3 * n, 4 + n % 5, 30 - n, 2) for n in range(24)]
    series = [
        Point(at=NOW - 3600 * (24 - n), by_status=dict(zip(kinds, step, strict=True)), saved_tokens=1000 * n,
              saved_dollars=0.1 * n)
        for n, step in enumerate(steps)
    ]  # fmt: skip
    totals = [sum(step[place] for step in steps) for place in range(4)]
    return Stats(
        range="today", since=NOW - 43_200, step=3600, exchanges=sum(totals),
        by_status=dict(zip(kinds, totals, strict=True)), hits=totals[0] + totals[1],
        hit_rate=(totals[0] + totals[1]) / sum(totals), coalesced=19, saved_tokens=1_842_311, saved_dollars=14.27,
        unpriced_tokens=8_100, paid_tokens=922_000, paid_dollars=9.11, provider_cached_tokens=410_000,
        provider_saved_dollars=1.02, prices_as_of="2025-11-20",
        latency_ms={
            "hit-l1-exact": Percentiles(p50=0.6, p90=0.9, p99=2.1, count=totals[0]),
            "hit-l3-verified": Percentiles(p50=9.8, p90=13.1, p99=24.0, count=totals[1]),
            "miss": Percentiles(p50=2410.0, p90=6120.0, p99=14_400.0, count=totals[2]),
        },
        series=series,
        top_models=[
            TopModel(model="claude-sonnet-4-5", exchanges=911, hits=604, saved_tokens=903_000, saved_dollars=9.82),
            TopModel(model="gpt-4o", exchanges=402, hits=287, saved_tokens=610_000, saved_dollars=3.91),
            TopModel(model="qwen3-coder:30b", exchanges=61, hits=33, saved_tokens=8_100),
        ],
        top_questions=[
            TopQuestion(entry="e00004", tenant="work", question="Write a commit message for the staged changes",
                        hits=212),
            TopQuestion(entry="e00002", tenant="work", question="How do I centre a div?", hits=41),
        ],
        false_hits=2, audits={"same": 96, "different": 1, "unsure": 12},
        storage=[TenantStorage(tenant="work", entries=4120, size=61_000_000),
                 TenantStorage(tenant="home", entries=310, size=4_800_000)],
        storage_bytes=65_800_000, storage_limit=2_147_483_648, memory_entries=3811, memory_bytes=41_000_000,
        models={"status": "loaded", "backend": "onnxruntime", "device": "cpu", "dtype": "int8",
                "verifier": "reflex-judge-1"},
    )  # fmt: skip


def world(exchanges: int = 60, entries: int = 40) -> World:
    missed, explained = _missed()
    paraphrase = _paraphrase()
    stored = {row.id: row for row in map(entry, range(entries))}
    rows = [exchange(number) for number in range(exchanges)]
    centre = stored.get("e00002")
    details = {}
    if centre is not None:
        details["e00002"] = EntryDetail(
            row=centre, question="How do I centre a div?", answer_text=ANSWER, answer=ANSWER, form="stream",
            request=msgspec.Raw(
                b'{"model":"gpt-4o","messages":[{"role":"system","content":"You are brief."},'
                b'{"role":"user","content":"How do I centre a div?"}],"temperature":0,"stream":true}'
            ),
            uses=[Use(day="2025-11-23", hits=3), Use(day="2025-11-24", hits=7), Use(day="2025-11-25", hits=4)],
            wordings=[OtherWording(question="how can a div be centred?", reason="verified", score=0.9874,
                                   similarity=0.9312, at=NOW - 120)],
        )  # fmt: skip
    return World(
        state=State(
            version="0.1.0", url="", started=NOW - 43_200, active_tenant="work", caching=True, mode="normal",
            status="ok", connections=3, agents=["claude-code", "codex"], hit_rate=0.63, today_hit_rate=0.61,
            today_saved_dollars=14.27, today_saved_tokens=1_842_311,
        ),
        exchanges=[*rows, PARAPHRASE, MISSED] if exchanges else [],
        details={PARAPHRASE.id: paraphrase, MISSED.id: missed},
        explained={MISSED.id: explained},
        entries=stored,
        entry_details=details,
        trash={},
        tenants={
            "work": TenantRow(name="work", active=True, entries=4120, size=61_000_000, hits=904, misses=512,
                              saved_dollars=13.10, tokens=2),
            "home": TenantRow(name="home", active=False, entries=310, size=4_800_000, hits=77, misses=61,
                              saved_dollars=1.17, semantic="shadow", paused_until=-1.0),
            "key-3f9a1c": TenantRow(name="key-3f9a1c", active=False, anonymous=True, entries=12, size=90_000, hits=3),
        },
        policy=[
            Setting(name="semantic", value="on", origin="default", expected="on, off or shadow", inherited="on"),
            Setting(name="exact_ttl", value=2_592_000, origin="default", expected="a number of seconds above 0",
                    inherited=2_592_000),
            Setting(name="semantic_ttl", value=86_400, origin="tenant", expected="a number of seconds above 0",
                    inherited=604_800),
            Setting(name="keep_request", value="full", origin="config", expected="full, question or none",
                    inherited="full"),
        ],
        tokens=[
            TokenRow(id="t0", name="laptop", hint="a1b2", created=NOW - 900_000, used=NOW - 300),
            TokenRow(id="t1", name="ci", hint="77fe", created=NOW - 400_000, expires=NOW - 100, expired=True),
        ],
        keys=[
            KeyRow(tenant="work", upstream="openai", base_url="https://api.openai.com",
                   source="keyring", hint="x9Kq"),
            KeyRow(tenant="work", upstream="anthropic", base_url="https://api.anthropic.com", source="environment",
                   variable="ANTHROPIC_API_KEY", hint="Qw3E"),
            KeyRow(tenant="work", upstream="ollama", base_url="http://127.0.0.1:11434", source="not needed"),
        ],
        seen=[SeenKey(tenant="key-3f9a1c", hint="Zz81", upstream="groq", used=NOW - 1800, entries=12)],
        stats=_stats(),
        audits=Audits(
            tenant="work", compared=109, same=96, different=1, unsure=12,
            different_share=Interval(share=0.0092, low=0.0002, high=0.05),
            different_or_unsure_share=Interval(share=0.119, low=0.066, high=0.195),
        ),
    )  # fmt: skip
