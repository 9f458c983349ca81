# What `reflexd_tray.shown` calls of pystray 0.19.5, which has no types.
from collections.abc import Callable, Iterable

from PIL import Image

class MenuItem:
    def __init__(
        self,
        text: str,
        action: Callable[[Icon, MenuItem], object] | Menu | None,
        checked: Callable[[MenuItem], bool | None] | None = None,
        radio: bool = False,
        default: bool = False,
        visible: bool = True,
        enabled: bool = True,
    ) -> None: ...

class Menu:
    SEPARATOR: MenuItem
    def __init__(self, *items: MenuItem | Callable[[], Iterable[MenuItem]]) -> None: ...

class Icon:
    HAS_DEFAULT_ACTION: bool
    HAS_MENU: bool
    HAS_MENU_RADIO: bool
    HAS_NOTIFICATION: bool
    icon: Image.Image
    title: str
    menu: Menu
    visible: bool
    def __init__(
        self,
        name: str,
        icon: Image.Image | None = None,
        title: str | None = None,
        menu: Menu | None = None,
    ) -> None: ...
    def run(self, setup: Callable[[Icon], None] | None = None) -> None: ...
    def stop(self) -> None: ...
    def update_menu(self) -> None: ...
    def notify(self, message: str, title: str | None = None) -> None: ...
