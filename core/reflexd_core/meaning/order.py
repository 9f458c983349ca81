"""Who does what to what: the same words in other places. *From A to B* is not *from B to A*, a server inside a client
is not a client inside a server; but *A and B* is *B and A*, and *A is longer than B* is *B is shorter than A*.
"""

from itertools import combinations

from reflexd_core.meaning.contrast import Contrast, stem
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.names import NAMES
from reflexd_core.meaning.wording import FUNCTION_WORDS, Wording

_DROPPED = word_set("the a an my your i do you how please can we me")
_LISTS = word_set("and or versus & nor plus")
_SYMMETRIC = word_set("""and or versus & nor plus from with to as is are be have has in than between""")
_MUTUAL = word_set(
    """compare compared comparing comparison difference differences differ differs different distinguish between
    versus combine link links linked linking connect connects introduce distance similar similarity similarities
    same marry married meet close related relation relationship acquaintance acquainted friend friends equal"""
)
"""With one of these the two may change places."""
_GIVING = word_set(
    """receive receives received get gets got accept accepts obtain borrow borrowed inherit learn subscribe
    subscribes"""
)
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
_DOING = word_set(
    """convert turn change make get use find add create remove delete merge rename move copy write read run set
    build install show hide print call pass start stop open close send check fix avoid keep put take go do have
    be see know"""
)
"""Verbs after *to*: there it is no connector, and they are nothing that could change places."""
_ENDS = word_set("and or but nor neither which that who whom when where while if so because then of")
"""A connector's side ends here."""
_ADJUNCTS = word_set("in on with by for as at using via")
"""So it does here, and what follows is told of something else."""
_ARTICLES = frozenset({"the", "a", "an"})
_LOOSELY = word_set(
    """one ones he she they him her versus since until later optional not is are was were its his their my your go
    goes up down return won lost received sent both other first second last long all each every more"""
)
"""Words that stand beside others without belonging to them."""
_FOUR = 4
"""Two qualities and their owners."""
_NEIGHBOURS = 40
"""Pairs of neighbours that one question is read for."""
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
    return _exchanged(pair) or _turned_round(pair) or _bound_anew(pair)


def _exchanged(pair: Contrast) -> tuple[str, ...] | None:
    """The same sentence, but for two words that stand where the other stood."""
    if len(pair.stored.bag ^ pair.asked.bag) > _INFLECTED:
        return None
    stored = [word for word in pair.stored.words if word not in _DROPPED]
    asked = [word for word in pair.asked.words if word not in _DROPPED]
    if len(stored) != len(asked):
        return None
    apart = [at for at, word in enumerate(stored) if word != asked[at] and stem(word) != stem(asked[at])]
    if len(apart) != 2:
        return None
    one, other = apart
    if stem(stored[one]) != stem(asked[other]) or stem(stored[other]) != stem(asked[one]):
        return None
    return None if _may_change_places(stored, one, other) else (stored[one], stored[other])


def _may_change_places(words: list[str], one: int, other: int) -> bool:
    """Two of a list, two of a mutual relation, two adjuncts (*on Monday on KLM*), or the tool named first or last."""
    between = words[one + 1 : other]
    if _SYMMETRIC.issuperset(between):
        if not between or not _LISTS.isdisjoint(between) or not _MUTUAL.isdisjoint(words):
            return True
        if len(between) == 1 and one and words[one - 1] == between[0]:
            return True
    return _CONNECTORS.keys().isdisjoint(between) and (words[one] in NAMES or words[other] in NAMES)


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
        if connector is None or (word == "to" and at + 1 < len(words) and words[at + 1] in _DOING):
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
        if word in _ADJUNCTS and places.step < 0:
            return frozenset()  # what follows a preposition belongs to it
        if word in _ENDS or word in _ADJUNCTS or word in _CONNECTORS:
            break
        if word not in FUNCTION_WORDS and word not in _DOING and word not in _LOOSELY:
            found.add(word)
        if len(found) == _SIDE:
            break
    return frozenset(found)


def _bound_anew(pair: Contrast) -> tuple[str, ...] | None:
    """Two qualities have changed owners: *a small tower and a tall chapel*, *a tall tower and a small chapel*."""
    if len(pair.stored.content & pair.asked.content) < _FOUR:
        return None
    stored, asked = neighbouring(pair.stored), neighbouring(pair.asked)
    gone = sorted(stored.keys() - asked.keys())
    come = asked.keys() - stored.keys()
    if len(gone) < 2 or len(come) < 2:
        return None
    for (one, owner), (other, its) in combinations(gone, 2):
        if (one, its) in come and (other, owner) in come:
            return stored[one, owner], stored[other, its]
    return None


def neighbouring(wording: Wording) -> dict[tuple[str, str], str]:
    """Stems of content words that stand side by side, with nothing but an article between them, and the words."""
    found: dict[tuple[str, str], str] = {}
    before = before_it = ""
    for word, typed in zip(wording.words, wording.raw, strict=True):
        if word in _ARTICLES:
            continue
        if word in FUNCTION_WORDS or word in _ENDS or word in _ADJUNCTS or word in _CONNECTORS or word in _LOOSELY:
            before = ""
            continue
        this = stem(word)
        if before and before != this:
            found[before, this] = f"{before_it} {word}"
        before, before_it = ("", "") if typed.endswith("'s") else (this, word)
        if len(found) == _NEIGHBOURS:
            break
    return found
