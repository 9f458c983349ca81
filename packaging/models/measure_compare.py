"""The error rates of `reflexd_core.meaning.compare`: ``python packaging/models/measure_compare.py``.

Six kinds of pairs, of which it is known, or judged here, what should be said:

- *reworded*: two answers to one question, from ``answers/answers.jsonl`` (written by hand): never different;
- *near-miss*: an answer to it and one to a near-miss, from the same file: never the same;
- *re-asked*: what two of three models said to one question (Arena-Hard): of each pair that is called different
  the code and the first lines were read, and `AGREE` names those that would have served the same asker;
- *neighbour*: answers to two questions of one Arena-Hard cluster: never the same;
- *changed*: an answer with one number, flag or negation changed: never the same;
- *untouched*: an answer with courtesy, layout or an article changed: never different.

The rules were written while looking at these pairs, and pairs of one question stand or fall together: the figures
flatter, and their intervals are too narrow. New answers will do somewhat worse.
"""

import gzip
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations, product

from paths import HERE, SHARED

sys.path.append(str(HERE.parents[1] / "core"))

from reflexd_core.meaning.compare import Agreement, Verdict, compare
from reflexd_core.meaning.trials import Count, interval

Row = tuple[str, str, str]
"""Two answers, and what tells the pair from others."""

AGREE = frozenset(
    """847e0891:06:35 fae4f754:03:35 fae4f754:03:06 74c4255d:06:35 1b733872:06:35 9ecd8657:06:35 a87c73ff:03:06
    3f8944d6:03:35 38506f6f:03:35 7df9c568:03:35 d5dd01a4:06:35 14f36f0c:03:06 4344090e:06:35 4344090e:03:06
    b4b1c3f7:06:35 5733129d:03:35 5733129d:06:35 608e4057:06:35 5e70f063:03:35 5e70f063:06:35 5e70f063:03:06
    e9820ee3:03:35 e9820ee3:06:35""".split()  # noqa: SIM905 - a list of names
)
"""Re-asked pairs that are called different though either answer would have done."""
MODELS = {"gpt-3.5-turbo-0125": "35", "gpt-4-0314": "03", "gpt-4-0613": "06"}


def main() -> None:
    kinds: dict[str, tuple[Callable[[], Iterator[Row]], Agreement]] = {
        "reworded": (reworded, Agreement.DIFFERENT),
        "near-miss": (near_misses, Agreement.SAME),
        "re-asked": (re_asked, Agreement.DIFFERENT),
        "neighbour": (neighbours, Agreement.SAME),
        "changed": (changed, Agreement.SAME),
        "untouched": (untouched, Agreement.DIFFERENT),
    }
    print(f"{'pairs':<12}{'n':>6}{'same':>7}{'different':>11}{'unsure':>8}   wrongly, with a 95 % interval")
    for name, (rows, wrong) in kinds.items():
        found = [(pair, compare(one, other)) for one, other, pair in rows()]
        counts = Counter(verdict.agreement for _, verdict in found)
        mistakes = [(pair, verdict) for pair, verdict in found if verdict.agreement is wrong]
        if name == "re-asked":
            mistakes = [(pair, verdict) for pair, verdict in mistakes if pair in AGREE]
        _print(name, counts, mistakes, len(found))


def _print(name: str, counts: Counter[Agreement], mistakes: list[tuple[str, Verdict]], total: int) -> None:
    numbers = f"{total:>6}{counts[Agreement.SAME]:>7}{counts[Agreement.DIFFERENT]:>11}{counts[Agreement.UNSURE]:>8}"
    range_ = interval(Count(len(mistakes), total))
    rate = f"{len(mistakes)} = {len(mistakes) / total:.1%} ({range_.low:.1%} to {range_.high:.1%})"
    print(f"{name:<12}{numbers}   {rate}")
    if "--list" in sys.argv:
        for pair, verdict in mistakes:
            print(f"    {pair}: {verdict.reason} {' '.join(verdict.words)}")


def reworded() -> Iterator[Row]:
    for row in _own():
        for (m, one), (n, other) in combinations(enumerate([row["stored"], *row["again"]]), 2):
            yield one, other, f"{row['id']}:{m}:{n}"


def near_misses() -> Iterator[Row]:
    for row in _own():
        served, near = enumerate([row["stored"], *row["again"]]), enumerate(row["near"])
        for (m, one), (n, other) in product(served, near):
            yield one, other, f"{row['id']}:{m}:near {n}"


def _own() -> list[dict]:
    return [json.loads(line) for line in (HERE / "answers" / "answers.jsonl").read_text().splitlines()]


def re_asked() -> Iterator[Row]:
    for question, answers in _arena().items():
        for one, other in combinations(sorted(answers, key=MODELS.__getitem__), 2):
            yield answers[one], answers[other], f"{question[:8]}:{MODELS[one]}:{MODELS[other]}"


def neighbours() -> Iterator[Row]:
    answers, clusters = _arena(), defaultdict(list)
    for row in _rows("arena_hard_questions.jsonl.gz"):
        if row["uid"] in answers and "cluster" in row:
            clusters[row["cluster"]].append(row["uid"])
    for members in clusters.values():
        for one, other in combinations(members, 2):
            for m, n in product(MODELS, MODELS):
                yield answers[one][m], answers[other][n], f"{one[:8]}:{MODELS[m]} {other[:8]}:{MODELS[n]}"


def changed() -> Iterator[Row]:
    for kind, pattern, replace in (
        ("number", r"(?<![\w.])\d{1,5}(?![\w.)])", lambda found, rng: str(int(found) + rng.choice((1, 2, 10)))),
        ("flag", r"(?<![\w-])--?[a-z][\w-]*(?![\w>])", lambda _, rng: rng.choice(("-q", "--force", "-v", "-r"))),
        ("negation", r" not\b|\b(?:is|are|will|can|should|does|must)(?= (?!not\b)[a-z])", _negated),
    ):
        rng = random.Random(kind)
        for question, answers in _arena().items():
            text = answers["gpt-4-0613"]
            places = list(re.finditer(pattern, text))
            if places:
                place = rng.choice(places)
                other = text[: place.start()] + replace(place.group(), rng) + text[place.end() :]
                if other != text:
                    yield text, other, f"{question[:8]}:{kind}"


def _negated(found: str, _: random.Random) -> str:
    return "" if found == " not" else f"{found} not"


def untouched() -> Iterator[Row]:
    ways: tuple[Callable[[str], str], ...] = (
        lambda text: f"Sure! Here's how you can do it:\n\n{text}",
        lambda text: f"{text}\n\nLet me know if you have any questions!",
        lambda text: text.replace("\n\n", "\n").replace("**", ""),
        lambda text: text.replace(" the ", " ", 1).replace("You can ", "Please "),
    )
    for number, (question, answers) in enumerate(_arena().items()):
        text = answers["gpt-4-0613"]
        yield text, ways[number % len(ways)](text), f"{question[:8]}:{number % len(ways)}"


def _arena() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in _rows("arena_hard_answers.jsonl.gz"):
        found[row["uid"]][row["model"]] = row["answer"]
    return found


def _rows(name: str) -> list[dict]:
    with gzip.open(SHARED / "data" / "prompts" / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
