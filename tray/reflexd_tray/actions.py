"""Actions: what a menu item asks for, as values. Only `doing` performs them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Toggle:
    """Caching on or off: off is pass-through, never a closed port, since agents still point here."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class PauseUntilTomorrow:
    """How long that is, is found when it is clicked: a menu that says so would change with every second."""


@dataclass(frozen=True, slots=True)
class UseMode:
    mode: Literal["normal", "exact", "shadow"]


@dataclass(frozen=True, slots=True)
class UseTenant:
    name: str


@dataclass(frozen=True, slots=True)
class Copy:
    text: str
    what: str
    """In words, for the confirmation."""


@dataclass(frozen=True, slots=True)
class OpenDashboard:
    exchange: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTerminal:
    """Run one of our programs in the person's terminal emulator."""

    program: Literal["reflexd", "reflex-tui"]
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartAtLogin:
    wanted: bool


@dataclass(frozen=True, slots=True)
class Notify:
    """Whether notifications are wanted."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class StartServer:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the tray; the daemon goes on."""


@dataclass(frozen=True, slots=True)
class QuitAndStop:
    """Leave the tray and end the daemon."""


Action = (
    Toggle
    | Pause
    | PauseUntilTomorrow
    | UseMode
    | UseTenant
    | Copy
    | OpenDashboard
    | OpenTerminal
    | StartAtLogin
    | Notify
    | StartServer
    | Quit
    | QuitAndStop
)
