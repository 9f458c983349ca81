"""Each guard by itself, and the normal form: ``python packaging/models/measure_guards.py [--list]``.

Of each guard, asked alone: how often it refuses, how many of these pairs are truly two questions, which share of all
near-misses it catches and which share of all paraphrases it costs. The guards were written looking at one half of the
families (by name); the first table is of the other half. A guard whose precision there is below 0.95 must go.

Paraphrases are rare among a family's pairs (one in six), so the *balanced* column gives the precision as it would be
if there were as many of either. The second table is what the guards refuse among pairs that others call the same:
labels there are loose (Quora) or of another kind (one Bash command), so a refusal is not yet an error. ``--list``
prints the refused paraphrases and the merged pairs.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

from paths import FAMILIES, HERE, PAIRS

sys.path.append(str(HERE.parents[1] / "core"))

from data import Pair, all_pairs, read_bash, read_checklist, read_families, read_mock, read_quora, read_sql

from reflexd_core.meaning.contrast import contrast
from reflexd_core.meaning.guards import GUARDS, refusal_between
from reflexd_core.meaning.normal_form import normal_form
from reflexd_core.meaning.wording import Wording, read_wording

LISTED = 40
"""Pairs of a kind that ``--list`` prints."""


@dataclass(slots=True)
class Tally:
    """Pairs a rule has spoken about: refused by a guard, or merged by the form."""

    same: list[tuple[Pair, str]] = field(default_factory=list)
    different: list[tuple[Pair, str]] = field(default_factory=list)

    def add(self, pair: Pair, words: str) -> None:
        (self.same if pair.strict else self.different).append((pair, words))


@dataclass(slots=True)
class Totals:
    same: int = 0
    different: int = 0


def main() -> None:
    families = read_families([FAMILIES])
    for title, of_held_out in (("held-out half", True), ("half that was looked at", False)):
        chosen = (family for family in families if held_out(family.id.partition("@")[0]) is of_held_out)
        print(f"\n### Families, {title}\n")
        _table(pair for family in chosen for pair in all_pairs(family))
    print("\n### Pairs of others that count as the same\n")
    print("| set | pairs | refused | by | one normal form |\n|---|---|---|---|---|")
    for name, pairs in others().items():
        _others(name, pairs)


def held_out(family: str) -> bool:
    return hashlib.sha256(family.encode()).digest()[0] & 1 == 1


def _table(pairs: Iterable[Pair]) -> None:
    tallies = {name: Tally() for name, _ in GUARDS} | {"any guard": Tally(), "normal form": Tally()}
    totals = Totals()
    for pair in pairs:
        totals.same += pair.strict == 1.0
        totals.different += pair.strict == 0.0
        held = contrast(_read(pair.a), _read(pair.b))
        spoken = {name: " / ".join(words) for name, finds in GUARDS if (words := finds(held)) is not None}
        if spoken:
            spoken["any guard"] = " ".join(spoken)
        form = _form(pair.a)
        if form is not None and form == _form(pair.b):
            spoken["normal form"] = form
        for name, words in spoken.items():
            tallies[name].add(pair, words)
    print(f"{totals.same} paraphrases, {totals.different} near-misses\n")
    print("| guard | refusals | precision | balanced | near-misses caught | paraphrases lost |")
    print("|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        print(_row(name, tally, totals))
    for name, tally in tallies.items():
        wrong = tally.different if name == "normal form" else tally.same
        _list(name, wrong if name != "any guard" else [])


def _row(name: str, tally: Tally, totals: Totals) -> str:
    same, different = len(tally.same), len(tally.different)
    if name == "normal form":
        return f"| normal form | {same + different} merged | {different} false | | | {same / totals.same:.2%} found |"
    caught, lost = different / totals.different, same / totals.same
    spoke = same + different
    precision = f"{different / spoke:.3f} | {caught / (caught + lost):.3f}" if spoke else "– | –"
    return f"| {name} | {spoke} | {precision} | {caught:.2%} | {lost:.2%} |"


def others() -> dict[str, list[Pair]]:
    bash = [Pair(a, b, 1.0) for texts in read_bash(PAIRS) for a, b in combinations(texts, 2)]
    return {
        "Quora duplicates": [pair for pair in read_quora(PAIRS) if pair.loose],
        "text-to-SQL, one query": [pair for _, pair in read_sql(PAIRS) if pair.strict],
        "NL2Bash, one command": bash,
        "GPTCache mock": read_mock(PAIRS),
        "CheckList, same": [pair for pair in read_checklist(PAIRS, cap=300) if pair.strict],
    }


def _others(name: str, pairs: list[Pair]) -> None:
    refused: list[tuple[Pair, str]] = []
    by: dict[str, int] = {}
    forms = 0
    for pair in pairs:
        found = refusal_between(_read(pair.a), _read(pair.b))
        if found is not None:
            refused.append((pair, f"{found.guard}: {' / '.join(found.words)}"))
            by[found.guard] = by.get(found.guard, 0) + 1
        form = _form(pair.a)
        forms += form is not None and form == _form(pair.b)
    told = ", ".join(f"{guard} {count}" for guard, count in sorted(by.items(), key=lambda item: -item[1]))
    print(f"| {name} | {len(pairs)} | {len(refused) / len(pairs):.2%} | {told} | {forms / len(pairs):.2%} |")
    _list(name, refused)


def _list(name: str, found: list[tuple[Pair, str]]) -> None:
    if "--list" in sys.argv:
        for pair, words in _spread(found):
            print(f"    {name} [{words}] {pair.a} ## {pair.b}")


def _spread(found: list[tuple[Pair, str]]) -> Iterator[tuple[Pair, str]]:
    yield from found[:: max(1, len(found) // LISTED)]


@cache
def _read(text: str) -> Wording:
    return read_wording(text)


@cache
def _form(text: str) -> str | None:
    return normal_form(text)


if __name__ == "__main__":
    main()
