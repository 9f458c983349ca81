"""YAML, edited by place: PyYAML says where each value stands, and all other bytes stay.

A writer that goes through the whole document would indent, wrap and quote the user's lines anew.
"""

import json
from typing import Any

import yaml

from reflexd_io.agents.files.errors import CannotEdit

_NO_YAML = (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError)
"""What PyYAML raises for what it cannot read: beside its own whatever Python does, as for a date in month 99,
``!!bool x``, ``!!timestamp x`` or thousands of open brackets.
"""


def read(text: str) -> Any:
    try:
        content = yaml.safe_load(text)
    except _NO_YAML as error:
        raise CannotEdit(f"it is no YAML: {' '.join(str(error).split())}") from error
    return {} if content is None else content


def put(text: str, path: tuple[str | int, ...], value: Any) -> str:
    node = _composed(text)
    for place, step in enumerate(path):
        if node is None:
            return _at_the_end(text, path[place:], value)
        inner = _inside(node, step)
        if inner is None:
            return _with_entry(text, node, path[place:], value)
        node = inner
    assert node is not None  # noqa: S101 - a path has at least one step
    return text[: node.start_mark.index] + _said((), value) + text[node.end_mark.index :]


def drop(text: str, path: tuple[str | int, ...]) -> str:
    parents = []
    node = _composed(text)
    for step in path:
        inner = _inside(node, step) if node is not None else None
        if node is None or inner is None:
            raise CannotEdit("it does not hold that setting")
        parents.append((node, step))
        node = inner
    while len(parents) > 1 and len(parents[-1][0].value) == 1:  # what would be left empty goes too
        node = parents.pop()[0]
    holder, step = parents[-1]
    if holder.flow_style or node is None:
        raise CannotEdit("it is written on one line")
    first = _key_of(holder, step).start_mark.index if isinstance(step, str) else node.start_mark.index
    start = text.rfind("\n", 0, first) + 1
    end = text.find("\n", node.end_mark.index)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:  # its end is where the next thing begins
        return text[:start] + text[text.rfind("\n", 0, node.end_mark.index) + 1 :]
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, yaml.SafeLoader)
    except _NO_YAML as error:
        raise CannotEdit(f"it is no YAML: {' '.join(str(error).split())}") from error


def _inside(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _key_of(node: yaml.Node, step: str) -> yaml.Node:
    return next(key for key, _ in node.value if key.value == step)


def _with_entry(text: str, node: yaml.Node, path: tuple[str | int, ...], value: Any) -> str:
    """The text with the first step of the path added to a mapping or a list."""
    is_list = isinstance(node, yaml.SequenceNode)
    if not isinstance(node, yaml.MappingNode | yaml.SequenceNode) or is_list is not isinstance(path[0], int):
        raise CannotEdit(f"{path[0]} cannot be put there")
    said = f"- {_said(path[1:], value)}" if is_list else f"{path[0]}: {_said(path[1:], value)}"
    if node.flow_style:
        inner = said.removeprefix("- ") if is_list else said
        end = node.end_mark.index - 1
        return f"{text[:end].rstrip()}{', ' if node.value else ''}{inner}{text[end:]}"
    column = " " * node.start_mark.column
    before = node.value[-1:] if is_list else [known for _, known in reversed(node.value)]
    line = next((one for one in before if one.start_mark.line == one.end_mark.line), None)
    if line is None:
        start = node.start_mark.index
        return f"{text[:start]}{said}\n{column}{text[start:]}"
    end = text.find("\n", line.end_mark.index)
    head, tail = (text[: end + 1], text[end + 1 :]) if end >= 0 else (f"{text}\n", "")
    return f"{head}{column}{said}\n{tail}"


def _at_the_end(text: str, path: tuple[str | int, ...], value: Any) -> str:
    """Nothing is there yet but comments."""
    ending = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{ending}{path[0]}: {_said(path[1:], value)}\n"


def _said(path: tuple[str | int, ...], value: Any) -> str:
    """As YAML's flow style, of which JSON is a part."""
    for step in reversed(path):
        value = [value] if isinstance(step, int) else {step: value}
    return json.dumps(value, ensure_ascii=False)
