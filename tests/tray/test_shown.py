"""The one file that knows pystray, on desktops that are not here: a stand-in for what other backends lack."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from reflexd_tray import shown
from reflexd_tray.actions import Action, Toggle
from reflexd_tray.model import Look, Seen
from reflexd_tray.notices import Notice
from reflexd_tray.shown import NoTray, Shown
from support.states import row, state

ONLINE = Seen(state=state(), offline=None, tenants=("default",))


@dataclass
class FakeItem:
    text: str
    action: Any
    checked: Any = None
    radio: bool = False
    default: bool = False
    visible: bool = True
    enabled: bool = True


class FakeMenu:
    SEPARATOR = FakeItem("- - - -", None)

    def __init__(self, *items: Any) -> None:
        self._items = items

    @property
    def items(self) -> list[FakeItem]:
        return list(self._items[0]()) if len(self._items) == 1 and callable(self._items[0]) else list(self._items)


@dataclass
class FakeIcon:
    name: str
    icon: Any = None
    title: str = ""
    menu: FakeMenu | None = None
    visible: bool = False
    rebuilt: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)
    HAS_MENU_RADIO = True
    HAS_NOTIFICATION = True

    def run(self, setup: Callable[["FakeIcon"], None]) -> None:
        setup(self)

    def stop(self) -> None:
        self.visible = False

    def update_menu(self) -> None:
        self.rebuilt += 1

    def notify(self, message: str, title: str) -> None:
        self.told.append((title, message))


class FakeHandle:
    """GTK's menu."""

    mapped = True

    def get_mapped(self) -> bool:
        return self.mapped


@pytest.fixture(name="backend")
def fake_backend(monkeypatch: pytest.MonkeyPatch) -> type[FakeIcon]:
    class Icon(FakeIcon):
        __module__ = "pystray._fake"

    module = ModuleType("pystray")
    module.Icon, module.Menu, module.MenuItem = Icon, FakeMenu, FakeItem  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pystray", module)
    monkeypatch.setenv("DISPLAY", ":0")
    return Icon


def made(clicked: Callable[[Action], None] = lambda _: None) -> tuple[Shown, FakeIcon]:
    shows = Shown(clicked)
    shows.run(lambda: None)
    return shows, shows._icon  # type: ignore[return-value]


def item(icon: FakeIcon, *path: str) -> FakeItem:
    assert icon.menu is not None
    items = icon.menu.items
    for name in path:
        found = next(each for each in items if each.text.startswith(name))
        items = found.action.items if isinstance(found.action, FakeMenu) else []
    return found


def test_a_click_is_handed_on_as_an_action(backend: type[FakeIcon]) -> None:
    clicks: list[Action] = []
    shows, icon = made(clicks.append)
    shows.show(ONLINE)
    item(icon, "Caching on").action(icon, None)
    assert clicks == [Toggle()]
    assert item(icon, "Caching on").checked(None) is True
    assert item(icon, "Caching on").default


def test_a_menu_is_rebuilt_only_when_something_in_it_has_changed(backend: type[FakeIcon]) -> None:
    shows, icon = made()
    for _ in range(5):
        shows.show(ONLINE)
    assert icon.rebuilt == 1
    shows.show(ONLINE.with_hit(row()))
    assert icon.rebuilt == 2
    assert icon.title.startswith("Reflex (default): Caching")


def test_a_menu_that_is_open_is_left_alone(backend: type[FakeIcon]) -> None:
    shows, icon = made()
    shows.show(ONLINE)
    opened = FakeHandle()
    icon._menu_handle = opened  # type: ignore[attr-defined]
    shows.show(ONLINE.with_hit(row()))
    assert icon.rebuilt == 1
    opened.mapped = False
    shows.show(ONLINE.with_hit(row()))
    assert icon.rebuilt == 2


def test_where_there_are_no_radio_items_ticks_do(backend: type[FakeIcon]) -> None:
    backend.HAS_MENU_RADIO = False  # macOS
    shows, icon = made()
    shows.show(ONLINE)
    assert not item(icon, "Mode", "Normal").radio
    assert item(icon, "Mode", "Normal").checked(None) is True


def test_where_there_are_no_notifications_nothing_breaks(backend: type[FakeIcon]) -> None:
    shows, icon = made()
    shows.notify(Notice("Title", "x" * 500))
    assert icon.told == [("Title", "x" * 250)]
    backend.HAS_NOTIFICATION = False
    shows.notify(Notice("Title", "again"))
    assert len(icon.told) == 1


def test_a_desktop_that_refuses_a_notification_is_borne(
    backend: type[FakeIcon], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no notification daemon")

    shows, _ = made()
    monkeypatch.setattr(backend, "notify", refuse)
    shows.notify(Notice("Title", "text"))


def test_windows_takes_an_ampersand_for_a_mnemonic(backend: type[FakeIcon], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    shows, icon = made()
    shows.show(ONLINE.with_hit(row(question="a & b")))
    assert item(icon, "Recent hits", "a && b")


def test_what_comes_before_the_icon_is_there_is_shown_once_it_is(backend: type[FakeIcon]) -> None:
    shows = Shown(lambda _: None)
    shows.show(ONLINE)
    icon: FakeIcon = shows._icon  # type: ignore[assignment]
    assert icon.rebuilt == 0
    shows.run(lambda: shows.show(ONLINE))
    assert (icon.visible, icon.rebuilt) == (True, 1)


def test_the_deaf_backend_is_refused_with_advice(backend: type[FakeIcon]) -> None:
    backend.__module__ = "pystray._xorg"
    with pytest.raises(NoTray, match=r"hears no click.*reflex-tui"):
        Shown(lambda _: None)


def test_a_loop_that_fails_is_no_tray_and_one_that_was_stopped_is(
    backend: type[FakeIcon], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, setup: Callable[[Any], None]) -> None:
        raise RuntimeError("no bus")

    monkeypatch.setattr(backend, "run", fail)
    with pytest.raises(NoTray, match="no bus"):
        made()
    shows = Shown(lambda _: None)
    shows.stop()
    shows.run(lambda: None)


def test_it_may_be_told_from_many_threads(backend: type[FakeIcon]) -> None:
    shows, icon = made()
    seen = [ONLINE, ONLINE.with_hit(row("x-1")), ONLINE.with_hit(row("x-2"))]
    threads = [threading.Thread(target=lambda: [shows.show(each) for each in seen * 50]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shows.show(ONLINE)
    assert shown.model.look(ONLINE) is Look.ON
    assert icon.icon is shown.drawing.draw(Look.ON, 64)
