"""What is known of an exchange, as lines of text that a person reads from top to bottom.

Each line is a list of pieces; a piece is a text and a colour of the theme (``muted``, ``success`` …; empty: none).
"""

import difflib
import re
from collections.abc import Iterable

from reflexd_io.control_client.shapes.exchanges import (
    CandidateRow,
    Difference,
    ExchangeDetail,
    ExchangeRow,
    Explained,
)
from reflexd_tui.pure import words
from reflexd_tui.pure.safe import block, line

Piece = tuple[str, str]
Line = list[Piece]

COMPARED = 20_000
"""Characters of two questions that are compared word by word: more would hold the keys up."""
SHOWN = 50_000
_TIERS = {
    "exact": "L1 exact key",
    "form": "   normal form",
    "embed": "L2 embedding",
    "near": "L2 nearest in scope",
    "judge": "L3 verifier",
    "upstream": "   provider",
}


_WHY = {
    "hit-l1-exact": "answered from the cache: the same was asked before",
    "hit-l3-verified": "answered from the cache: the same in other words, as the verifier found",
    "hit-l2-semantic": "answered from the cache: much the same in other words",
    "miss": "sent to the provider",
    "bypass": "passed through",
    "relayed": "passed through",
}

_JOINED = "answered along with another request for the same, which was under way"


def decision(detail: ExchangeDetail) -> list[Line]:
    """What each tier said, and why."""
    row = detail.row
    word = words.status(row.status, joined=row.joined, http_status=row.http_status)
    lines: list[Line] = [[(f"{word.symbol} {_outcome(row, word)}", word.colour)]]
    lines.append([(f"{row.client or 'unknown client'} · {row.dialect} · {row.model or '–'} → {detail.upstream}", "")])
    took = f"took {words.duration(row.ms)}, first byte after {words.duration(row.first_byte_ms)}"
    lines += [[(took + _brought(row), "muted")], []]
    if detail.tiers:
        lines.append([("Tiers walked", "heading")])
        lines += [
            [(f"  {_TIERS[tier.name]:<22}", ""), (f"{words.duration(tier.ms):>9}   ", "muted"), (tier.outcome, "")]
            for tier in detail.tiers
        ]
        lines.append([])
    if detail.exact_only:
        lines += [[("Meaning was not compared: ", "heading"), (detail.exact_only, "warning")], []]
    if not detail.candidates and (detail.score is not None or detail.similarity is not None):
        lines += [[("Judged", "heading")], _scores(detail.similarity, detail.score, detail.threshold), []]
    for candidate in detail.candidates:
        lines += _candidate(candidate, detail.threshold)
    lines.append([("Rules that fired for the key", "heading")])
    lines += [[(f"  {rule}", "")] for rule in detail.rules]
    if not detail.rules:
        lines.append([("  none: the request is compared as it came", "muted")])
    return lines


def _outcome(row: ExchangeRow, word: words.Word) -> str:
    what = word.text if row.http_status >= 400 else _JOINED if row.joined else _WHY.get(row.status, word.text)
    return f"{what}: {row.reason}" if row.reason and row.reason != word.text else what


def _brought(row: ExchangeRow) -> str:
    if not row.saved_tokens:
        return ""
    money = f", {words.dollars(row.saved_dollars)}" if row.saved_dollars else ""
    return f"; saved {row.saved_tokens:,} tokens{money}"


def _scores(similarity: float | None, score: float | None, threshold: float | None) -> Line:
    pieces: Line = [("  ", "")]
    if similarity is not None:
        pieces.append((f"similarity {similarity:.4f}   ", ""))
    if score is not None:
        passed = threshold is None or score >= threshold
        pieces.append((f"score {score:.4f}", "success" if passed else "warning"))
        if threshold is not None:
            pieces.append((f"  {'≥' if passed else '<'} threshold {threshold:.4f}", "muted"))
    return pieces


def _candidate(candidate: CandidateRow, threshold: float | None) -> list[Line]:
    mark, colour = ("✓ accepted", "success") if candidate.accepted else ("✗ refused", "warning")
    lines: list[Line] = [
        [(f"Candidate {candidate.entry[:12]}  ", "heading"), (mark, colour)],
        [("  ", ""), *marked(candidate.question, candidate.words)],
        _scores(candidate.similarity, candidate.score, threshold),
    ]
    if candidate.guard:
        lines.append([("  guard ", ""), (candidate.guard, "error"), (f"  {', '.join(candidate.words)}", "error")])
    return [*lines, []]


def marked(text: str, found: Iterable[str]) -> Line:
    """The text with these words of it in the colour of an error."""
    shown = line(text)
    wanted = [re.escape(word) for word in found if word]
    if not wanted:
        return [(shown, "")]
    parts = re.split(rf"(?i)(?<!\w)({'|'.join(wanted)})(?!\w)", shown)
    return [(part, "error" if number % 2 else "") for number, part in enumerate(parts) if part]


def why(explained: Explained) -> list[Line]:
    """Why it missed: the paths in which it differs from the nearest earlier request."""
    lines: list[Line] = [[(explained.why, "bold")], []]
    if explained.nearest is None:
        return lines
    at = "" if explained.nearest_at is None else f" of {words.clock(explained.nearest_at)}"
    lines += [[("Compared with ", "muted"), (explained.nearest, ""), (at, "muted")], []]
    for difference in explained.differences:
        lines += _difference(difference)
    if explained.more:
        lines.append([(f"… and {explained.more} more", "muted")])
    both = sorted(set(explained.rules) | set(explained.nearest_rules))
    if both:
        lines += [[], [("Rules that made them alike: ", "heading"), (", ".join(both), "")]]
    return lines


def _difference(difference: Difference) -> list[Line]:
    lines: list[Line] = [[(f"{difference.path}", "accent"), (f"   {difference.kind}", "muted")]]
    if difference.before is not None:
        lines.append([("  - ", "error"), (line(difference.before), "error")])
    if difference.after is not None:
        lines.append([("  + ", "success"), (line(difference.after), "success")])
    return [*lines, []]


def _bounded(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + f" … {len(text) - SHOWN:,} characters more"


def questions(asked: str, stored: str | None) -> list[Line]:
    """What was asked; where another question's answer was given, word by word against that."""
    asked = _bounded(asked)
    if stored is None:
        return [[(text, "")] for text in block(asked).split("\n")]
    stored = _bounded(stored)
    if len(asked) + len(stored) > COMPARED:
        return [[("stored  ", "muted"), (line(stored), "")], [], [("asked   ", "muted"), (line(asked), "")]]
    old, new = re.findall(r"\S+|\s+", line(stored)), re.findall(r"\S+|\s+", line(asked))
    before: Line = [("stored  ", "muted")]
    after: Line = [("asked   ", "muted")]
    for kind, left, right, top, bottom in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = kind == "equal"
        before.append(("".join(old[left:right]), "" if same else "error"))
        after.append(("".join(new[top:bottom]), "" if same else "success"))
    return [before, [], after]
