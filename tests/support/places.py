"""JSON values by place: every path in one, a change at any of them, and equality as JSON has it."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

# Names that a careless rule would reach for, at every depth.
NAMES = st.sampled_from(["id", "user", "cache_control", "metadata", "stream", "tool_call_id", "type", "text", "x"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64), st.text(max_size=3), st.floats(-1e3, 1e3), NAMES
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
EXTRA = st.dictionaries(NAMES, JSON, max_size=2)


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value, itself included."""
    yield here
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in places:
        yield from paths(inner, (*here, name))


def holder_of(body: Any, path: Path) -> Any:
    for step in path[:-1]:
        body = body[step]
    return body


def changed_at(body: Any, place: Path, data: st.DataObject) -> Any:
    """The body with another value at the place, without it, with it twice, or with something added there."""
    changed = deepcopy(body)
    holder, last = holder_of(changed, place), place[-1]
    match data.draw(st.sampled_from(["replace", "remove", "add", "repeat"])):
        case "replace":
            holder[last] = data.draw(JSON)
        case "remove":
            del holder[last]
        case "add" if isinstance(holder[last], dict):
            holder[last]["unknown"] = data.draw(LEAVES)
        case _ if isinstance(holder, list):
            holder.insert(int(last), deepcopy(holder[last]))
        case _:
            holder["unknown"] = data.draw(LEAVES)
    return changed


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: unlike ``==``, it tells true from 1; 1 and 1.0 are one number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other
