"""Peers: who is at the other end of a connection, as far as the operating system tells.

On a machine of several users loopback is open to all of them. Linux knows the owner of every socket, so a connection
that another user opened can be told from our own: by one question to the kernel (``sock_diag(7)``, 12 µs where it was
measured, whatever the number of sockets), or by reading its table (``/proc/net/tcp``, 7 ms there) where it does not
take such questions. Elsewhere nobody's connections are told apart.
"""

import ipaddress
import logging
import os
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import anyio.abc
import anyio.to_thread

from reflexd_io.settings import Settings

log = logging.getLogger(__name__)

ROOT = 0
"""May read our memory and our files, so refusing its connections would protect nothing."""

Place = tuple[str, int]
"""Address and port."""

Ask = Callable[[Place, Place], int | None]
"""The user who owns the socket at the first place that is connected to the second; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    address: str = ""
    """Of the other end, without its port; empty where it cannot be told."""
    here: str = ""
    """The address of ours that it has connected to."""
    is_local: bool = True
    """Whether it is on this machine."""
    fault: str | None = None
    """Why it may not use this Reflex, in words: it is another user of this machine."""


OURSELVES = Peer()
_NOBODY = "Nobody is there any more to whom this connection belongs."
_GONE = Peer(is_local=False, fault=_NOBODY)


class Peers:
    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.allowed_users
        self._ask = way_to_tell() if self._allowed is not None else None

    async def meet(self, stream: anyio.abc.SocketStream) -> Peer:
        """Who has connected; asked once a connection."""
        theirs = _place(stream.extra(anyio.abc.SocketAttribute.remote_address, None))
        ours = _place(stream.extra(anyio.abc.SocketAttribute.local_address, None))
        if theirs is None or ours is None:
            return _GONE
        is_local = is_loopback(theirs[0]) or theirs[0] == ours[0]
        fault = None
        if is_local and self._ask is not None:
            try:
                fault = self._fault_of(await self._owner(theirs, ours, self._ask))
            except OSError as error:
                log.warning("the system does not say whose connection this is: %s", error)
                fault = "The system does not say whose connection this is; try again."
        return Peer(address=theirs[0], here=ours[0], is_local=is_local, fault=fault)

    async def _owner(self, theirs: Place, ours: Place, ask: Ask) -> int | None:
        if ask is ask_kernel:  # it answers sooner than a thread is found; the table takes long enough for one
            return ask(theirs, ours)
        return await anyio.to_thread.run_sync(ask, theirs, ours)

    def _fault_of(self, owner: int | None) -> str | None:
        """Whoever closed at once has no socket left that could be anybody's: nobody waits for that answer."""
        if owner is None:
            return _NOBODY
        if owner in (os.geteuid(), ROOT) or (self._allowed is not None and owner in self._allowed):
            return None
        return (
            "This Reflex belongs to another user of this machine. Its owner can let you in: "
            f"allowed_users = [{owner}] in config.toml."
        )


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _place(address: object) -> Place | None:
    """IPv4 addresses that came by an IPv6 socket are told as what they are."""
    if not isinstance(address, tuple) or len(address) < 2:
        return None
    text = str(address[0]).partition("%")[0]
    return text.removeprefix("::ffff:") if "." in text else text, int(address[1])


def way_to_tell() -> Ask | None:
    """How owners can be told here, tried out on a connection of our own; None where they cannot."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    for ask in (ask_kernel, ask_table):
        try:
            if _knows_us(ask):
                return ask
        except OSError:
            continue
    return None


def _knows_us(ask: Ask) -> bool:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        closing(socket.create_connection(listener.getsockname())) as client,
    ):
        return ask(client.getsockname(), client.getpeername()) == os.geteuid()


_SOCK_DIAG = 4
"""NETLINK_SOCK_DIAG."""
_BY_FAMILY = 20
"""SOCK_DIAG_BY_FAMILY, of a request and of its answer."""
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI")
_ID = struct.Struct("!HH16s16sI8s")
_OWNER = struct.Struct("=II")
_OWNER_AT = _HEADER.size + 4 + _ID.size + 12
"""Behind family, state and timers, the id, and three counters (``struct inet_diag_msg``)."""
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = b"\xff" * 8


def ask_kernel(theirs: Place, ours: Place) -> int | None:
    """By ``sock_diag(7)``. Raises `OSError` where it is not there."""
    family = socket.AF_INET6 if ":" in theirs[0] else socket.AF_INET
    ends = [socket.inet_pton(family, address).ljust(16, b"\0") for address in (theirs[0], ours[0])]
    wanted = _ID.pack(theirs[1], ours[1], *ends, 0, _NO_COOKIE)
    asked = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _ANY_STATE) + wanted
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, 1, 1, 0) + asked)
        told = kernel.recv(4096)
    if len(told) < _OWNER_AT + _OWNER.size or _HEADER.unpack_from(told)[1] != _BY_FAMILY:
        return None
    owner, inode = _OWNER.unpack_from(told, _OWNER_AT)
    return int(owner) if inode else None  # what its program has closed belongs to nobody, and is shown as root's


def ask_table(theirs: Place, ours: Place) -> int | None:
    """By ``/proc/net/tcp``, and ``tcp6`` behind it. Raises `OSError` where there is none."""
    for name, as_ipv6 in (("tcp", False), ("tcp6", True)):
        if ":" in theirs[0] and not as_ipv6:
            continue
        ends = [_in_table(place, as_ipv6=as_ipv6) for place in (theirs, ours)]
        for line in Path("/proc/net", name).read_text("ascii").splitlines()[1:]:
            columns = line.split()
            if columns[1:3] == ends:
                return int(columns[7]) if columns[9] != "0" else None
    return None


def _in_table(place: Place, *, as_ipv6: bool) -> str:
    """As the kernel prints an end: words of the address in the machine's own byte order, and the port."""
    address, port = place
    if as_ipv6:
        raw = socket.inet_pton(socket.AF_INET6, address if ":" in address else f"::ffff:{address}")
    else:
        raw = socket.inet_pton(socket.AF_INET, address)
    words = struct.unpack(f"={len(raw) // 4}I", raw)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
