"""Who does what to what: the same words in other places. *From A to B* is not *from B to A*, a server inside a client
is not a client inside a server; but *A and B* is *B and A*, and *A is longer than B* is *B is shorter than A*.
"""

from reflexd_core.meaning.contrast import Contrast, stem
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.wording import FUNCTION_WORDS, Wording

_DROPPED = word_set("the a an my your i do you how please can we me")
_SYMMETRIC = word_set("and or versus & nor plus from with to as is are be have has in than between")
_MUTUAL = word_set(
    """compare compared comparing comparison difference differences differ differs different distinguish between
    versus combine link links linked linking connect connects introduce distance similar same marry married meet"""
)
"""With one of these the two may change places."""
_GIVING = word_set("""receive receives received get gets got accept accepts obtain borrow borrowed inherit learn""")
"""What is given to one is got by the other: a verb like these turns the arrow round."""

_CONNECTORS = {
    **dict.fromkeys(("to", "into", "onto", "->", "=>"), "to"),
    "from": "from",
    "than": "than",
    "before": "before",
    "after": "after",
    "over": "over",
    "under": "under",
    "inside": "inside",
    "without": "without",
    "instead": "instead",
    "rather": "instead",
}
_ENDS = word_set(
    """and or but nor which that who whom when where while if so because then in on with by for of as at using via"""
)
"""A connector's side ends here."""
_SIDE = 3
"""Content words to a side."""
_MANY = 8
"""Relations that one question is read for."""

_INFLECTED = 4
"""Words of either side alone that two exchanged words may leave (*a queue from stacks*, *a stack from queues*)."""

Relation = tuple[str, frozenset[str], frozenset[str]]
"""A connector with what stands before and after it."""


def roles(pair: Contrast) -> tuple[str, ...] | None:
    """Two things have changed places."""
    if pair.likeness < 0.25 or len(pair.stored.content & pair.asked.content) < 2:
        return None
    return _exchanged(pair) or _turned_round(pair)


def _exchanged(pair: Contrast) -> tuple[str, ...] | None:
    """The same sentence, but for two words that stand where the other stood."""
    if len(pair.stored.bag ^ pair.asked.bag) > _INFLECTED:
        return None
    stored = [stem(word) for word in pair.stored.words if word not in _DROPPED]
    asked = [stem(word) for word in pair.asked.words if word not in _DROPPED]
    if len(stored) != len(asked):
        return None
    apart = [at for at, word in enumerate(stored) if word != asked[at]]
    if len(apart) != 2:
        return None
    one, other = apart
    if stored[one] != asked[other] or stored[other] != asked[one]:
        return None
    between = stored[one + 1 : other]
    if _SYMMETRIC.issuperset(between) and (_listed(between) or not _MUTUAL.isdisjoint(pair.stored.bag)):
        return None
    return stored[one], stored[other]


def _listed(between: list[str]) -> bool:
    return not between or not {"and", "or", "versus", "&", "nor", "plus"}.isdisjoint(between)


def _turned_round(pair: Contrast) -> tuple[str, ...] | None:
    if not _MUTUAL.isdisjoint(pair.stored.bag | pair.asked.bag):
        return None
    if bool(_GIVING & pair.stored.bag) != bool(_GIVING & pair.asked.bag):
        return None
    stored, asked = relations(pair.stored), relations(pair.asked)
    for one in stored:
        for other in asked:
            if one[0] != other[0] or (one[0] == "than" and _comparatives(pair.stored) != _comparatives(pair.asked)):
                continue
            crossed = crossing(one, other)
            if crossed is not None and not _both_ways(stored, crossed) and not _both_ways(asked, crossed):
                return *crossed, one[0]
    return None


def crossing(one: Relation, other: Relation) -> tuple[str, str] | None:
    """What stands before the connector in one and after it in the other, and the other way round."""
    first = (one[1] & other[2]) - one[2] - other[1]
    second = (one[2] & other[1]) - one[1] - other[2]
    return (min(first), min(second)) if first and second else None


def _both_ways(relations: tuple[Relation, ...], crossed: tuple[str, str]) -> bool:
    """Both directions are told in one text (*whites into yolks or yolks into whites?*)."""
    one, other = crossed
    ways = {(one in before and other in after, other in before and one in after) for _, before, after in relations}
    return any(way[0] for way in ways) and any(way[1] for way in ways)


def _comparatives(wording: Wording) -> frozenset[str]:
    return frozenset(
        word for word in wording.bag if word in {"more", "less", "fewer"} or (word.endswith("er") and len(word) > 4)
    )


def relations(wording: Wording) -> tuple[Relation, ...]:
    words = wording.words
    found: list[Relation] = []
    for at, word in enumerate(words):
        connector = _CONNECTORS.get(word)
        if connector is None:
            continue
        before = _side(words, range(at - 1, -1, -1))
        after = _side(words, range(at + (2 if connector == "instead" else 1), len(words)))
        if before and after:
            found.append((connector, before, after))
            if len(found) == _MANY:
                break
    return tuple(found)


def _side(words: tuple[str, ...], places: range) -> frozenset[str]:
    """The nearest content words that belong to this side of the connector and to no other one."""
    found: set[str] = set()
    for at in places:
        word = words[at]
        if word in _ENDS or (word in _CONNECTORS and word != "from"):
            return (
                frozenset()
                if places.step < 0 and word in _ENDS and word not in {"and", "or", "of"}
                else frozenset(found)
            )
        if word == "from":
            break
        if word not in FUNCTION_WORDS:
            found.add(word)
        if len(found) == _SIDE:
            break
    return frozenset(found)
