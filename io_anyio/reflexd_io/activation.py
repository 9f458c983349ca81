"""What systemd hands a service: a socket that listens already, and a place to say that it is ready.

The socket outlives the daemon: while that restarts, connections wait in the kernel instead of being refused, so an
agent at work notices nothing. `sd_listen_fds(3)` and `sd_notify(3)` describe both; elsewhere nothing is there.
"""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

_FIRST = 3
"""SD_LISTEN_FDS_START."""


def take_socket(environ: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """The socket meant for this process, once: children are not to take it for theirs.

    Raises `ValueError` where what was handed over is no listening TCP socket.
    """
    meant = environ.pop("LISTEN_PID", "") == str(os.getpid())
    count = environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if not meant or not count.isdigit() or int(count) == 0:
        return None
    if int(count) > 1:
        raise ValueError(f"{count} sockets were handed over by the service manager; Reflex listens on one")
    os.set_inheritable(_FIRST, False)
    found = socket.socket(fileno=_FIRST)
    if found.family not in (socket.AF_INET, socket.AF_INET6) or found.type != socket.SOCK_STREAM:
        raise ValueError("the socket that was handed over by the service manager is no TCP socket")
    return found


def notify(message: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """``READY=1``, ``STOPPING=1`` …; nobody listens unless a service manager does."""
    place = environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(message.encode(), address)
