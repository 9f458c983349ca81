"""The command palette: every action of ours by its name, from the bindings themselves, and some that have no key."""

from collections.abc import Callable, Iterator
from functools import partial

from textual.app import SystemCommand
from textual.binding import Binding

from reflexd_tui.host import Host
from reflexd_tui.screens.help import shown
from reflexd_tui.views.entries import EntriesView
from reflexd_tui.views.live import LiveView
from reflexd_tui.widgets.rows import Rows

_PAUSES = (("15 minutes", 900.0), ("1 hour", 3600.0))
_MODES = (
    ("normal", "answer repeats, and the same in other words"),
    ("exact", "answer repeats only"),
    ("shadow", "compare by meaning, and never answer by it"),
)


def commands(host: Host, owner: object) -> Iterator[SystemCommand]:
    """``owner``: the view or screen that has the keys, beside the application itself."""
    yield from of_keys(host, owner)
    if owner is not host:
        yield from of_keys(host, host, besides=owner)
    for title, seconds in _PAUSES:
        yield SystemCommand(f"Pause for {title}", "everything", _runner(host, host, f"app.pause({seconds})"))
    for mode, what in _MODES:
        yield SystemCommand(f"Mode: {mode}", what, _runner(host, host, f"app.mode('{mode}')"))
    root = host.screen_stack[0]
    yield from _columns(host, "Live", root.query_one(LiveView).rows, host.remembered.hidden)
    yield from _columns(host, "Entries", root.query_one(EntriesView).rows, host.remembered.hidden_entries)


def of_keys(host: Host, owner: object, *, besides: object = None) -> Iterator[SystemCommand]:
    """What the owner's keys do, each action once; a key that ``besides`` has for itself is not said to do it."""
    taken = {key for binding in _bindings(besides) for key in binding.key.split(",")}
    keys: dict[tuple[str, str], list[str]] = {}
    for binding in _bindings(owner):
        free = [key for key in binding.key.split(",") if key not in taken]
        keys.setdefault((binding.action, binding.description), []).extend(free)
    for (action, title), each in keys.items():
        yield SystemCommand(title, f"key {shown(','.join(each))}" if each else "", _runner(host, owner, action))


def _bindings(owner: object) -> Iterator[Binding]:
    """Those of ours that say what they do."""
    for kind in type(owner).__mro__:
        for binding in vars(kind).get("BINDINGS", []) if kind.__module__.startswith("reflexd_tui") else []:
            if isinstance(binding, Binding) and binding.description:
                yield binding


def _columns(host: Host, view: str, rows: Rows, hidden: list[str]) -> Iterator[SystemCommand]:
    for column in rows.columns:
        if not column.grows and column.title.strip():
            run = partial(_hide, host, rows, hidden, column.key)
            yield SystemCommand(f"{view}: column {column.title}", "on or off", run)


def _hide(host: Host, rows: Rows, hidden: list[str], column: str) -> None:
    """Take a column away, or bring it back."""
    rows.hidden ^= {column}
    hidden[:] = sorted(rows.hidden)
    rows.update_rows()
    host.keep()


def _runner(host: Host, owner: object, action: str) -> Callable[[], None]:
    def run() -> None:
        host.run_worker(host.run_action(action, owner), exclusive=False)  # type: ignore[arg-type]

    return run
