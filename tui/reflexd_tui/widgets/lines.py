"""Lines of coloured pieces on the screen, and JSON as a tree."""

from collections.abc import Iterable

import msgspec
from rich.text import Text
from textual.app import App
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from reflexd_tui.pure.safe import block, short
from reflexd_tui.pure.told import Line

LONGEST = 20_000
"""Characters of one text in a tree; a pager shows more."""
_SHOWN = 400
"""Children of one node."""
_COLOURS = ("primary", "secondary", "accent", "success", "warning", "error")
"""As the theme has them for text, which can be read on its background; the bare ones are for surfaces."""
_MOST = 5_000
"""Nodes of one tree: a request may be megabytes."""


def muted(app: App[object]) -> str:
    """How what matters less is drawn: in the theme's colour for it, or dim where that is no colour but a mixture."""
    known = app.theme_variables["text-muted"]
    return known if known.startswith("#") else "dim"


def colour(app: App[object], name: str) -> str:
    """A variable of the theme as Rich calls it, where it is one of the terminal's own colours."""
    return app.theme_variables[name].removeprefix("ansi_")


def drawn(app: App[object], lines: Iterable[Line]) -> Text:
    """In the theme's colours. Nothing in the texts is markup."""
    styles = {"heading": "bold", "bold": "bold", "muted": muted(app), "": ""}
    styles |= {name: colour(app, f"text-{name}") for name in _COLOURS}
    text = Text()
    for number, line in enumerate(lines):
        text.append("\n" if number else "")
        for piece, style in line:
            text.append(block(piece), styles[style])
    return text


def fill(tree: Tree[None], raw: bytes) -> None:
    """What the bytes hold, or the bytes themselves where they are no JSON."""
    tree.clear()
    tree.show_root = False
    try:
        value = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        for line in raw.decode("utf-8", "replace").splitlines()[:_SHOWN]:
            tree.root.add_leaf(Text(short(line, 500)))
        tree.root.expand()
        return
    _grow(tree.root, value, [_MOST])
    tree.root.expand()


def _grow(node: TreeNode[None], value: object, left: list[int]) -> None:
    """``left`` holds how many nodes may still be made."""
    pairs: list[tuple[str, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    shown = pairs[: min(_SHOWN, max(0, left[0]))]
    left[0] -= len(shown)
    for name, item in shown:
        label = Text.assemble((f"{short(name, 80)}: ", "bold"))
        if isinstance(item, dict | list):
            label.append(f"{{{len(item)}}}" if isinstance(item, dict) else f"[{len(item)}]", "dim")
            child = node.add(label, expand=len(pairs) < 20)
            _grow(child, item, left)
        else:
            text = item if isinstance(item, str) else msgspec.json.encode(item).decode()
            label.append(short(text, 300))
            node.add_leaf(label)
    if len(pairs) > len(shown):
        node.add_leaf(Text(f"… {len(pairs) - len(shown)} more: o shows all", style="dim"))
