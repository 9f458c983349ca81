"""systemd: a socket unit that is never closed, and a service that is started again when it fails.

Of the hardening that systemd knows only what needs no privilege is asked for, since a user's manager has none; what
would need a namespace of its own (``ProtectSystem`` and its like) is left out, because where those are forbidden the
service would not start at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SOCKET, SERVICE = "reflexd.socket", "reflexd.service"
_CONTROL = ("systemctl", "--user")
STARTING: list[Sequence[str]] = [
    (*_CONTROL, "daemon-reload"),
    (*_CONTROL, "enable", SOCKET, SERVICE),
    (*_CONTROL, "restart", SOCKET, SERVICE),
]
STOPPING: list[Sequence[str]] = [(*_CONTROL, "disable", "--now", SOCKET, SERVICE)]
AFTERWARDS: list[Sequence[str]] = [(*_CONTROL, "daemon-reload")]
STATE = (*_CONTROL, "is-active", SERVICE)
ENABLED = (*_CONTROL, "is-enabled", SERVICE)
LISTENING = (*_CONTROL, "is-active", SOCKET)
START = (*_CONTROL, "start", SERVICE)


def files(
    command: Sequence[str], home: Path, environ: Mapping[str, str], *, port: int, address: str
) -> dict[Path, bytes]:
    folder = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user"
    return {
        folder / SOCKET: socket_unit(port=port, address=address).encode(),
        folder / SERVICE: service_unit(command).encode(),
    }


def links(units: Iterable[Path]) -> list[Path]:
    """What enabling them has left beside them, where systemd could not be asked to take it away."""
    wanted = {SOCKET: "sockets.target.wants", SERVICE: "default.target.wants"}
    found = (unit.parent / wanted[unit.name] / unit.name for unit in units)
    return [link for link in found if link.is_symlink()]


def socket_unit(*, port: int, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"""\
[Unit]
Description=Where Reflex, the local LLM cache, listens

[Socket]
ListenStream={host}:{port}
Backlog=1024
NoDelay=true

[Install]
WantedBy=sockets.target
"""


def service_unit(command: Sequence[str]) -> str:
    """``command``: how to run ``reflexd``, its script's absolute path first."""
    return f"""\
[Unit]
Description=Reflex, a local LLM cache
Documentation=man:reflexd(1)
Requires={SOCKET}
After={SOCKET}
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
ExecStart={_line((*command, "serve"))}
Restart=on-failure
RestartSec=1
# 1: it cannot start like this, and 2: it was told nonsense; neither gets better by trying again.
RestartPreventExitStatus=1 2
TimeoutStopSec=45
UMask=0077
LimitNOFILE=65536
NoNewPrivileges=true
LockPersonality=true
RestrictRealtime=true
RestrictSUIDSGID=true
RestrictNamespaces=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
KeyringMode=shared

[Install]
WantedBy=default.target
"""


def _line(arguments: Sequence[str]) -> str:
    return " ".join(map(_quoted, arguments))


def _quoted(argument: str) -> str:
    """As `systemd.service(5)` reads a command line: ``%`` and ``$`` mean something, quotes and backslashes too."""
    plain = argument.replace("%", "%%").replace("$", "$$")
    if plain and not set(plain) & set(" \t\"'\\;"):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
