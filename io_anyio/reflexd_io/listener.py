"""The socket that is listened on: the service manager's where it handed one over, else one of our own."""

from dataclasses import replace

import anyio
import anyio.abc

from reflexd_io import activation
from reflexd_io.settings import Settings


class CannotListen(Exception):  # noqa: N818 - it says what the port is
    """The address cannot be had."""


async def take_listener(settings: Settings) -> anyio.abc.SocketListener:
    """The service manager's socket where it handed one over, whatever the settings say, else one of our own."""
    try:
        given = activation.take_socket()
    except (ValueError, OSError) as error:
        raise CannotListen(str(error)) from error
    return await _listen(settings) if given is None else await anyio.abc.SocketListener.from_socket(given)


def listening_at(settings: Settings, address: str) -> Settings:
    """With the address that is listened on, which may be the service manager's choice. Raises `CannotListen`."""
    settings = replace(settings, bind_addr=address)
    if settings.is_open and not settings.wants_tokens:
        raise CannotListen(
            f"the socket that was handed over listens on {address}, beyond this machine, where every client must "
            "show a token; take auth_required away, or have it listen on 127.0.0.1"
        )
    return settings


async def _listen(settings: Settings) -> anyio.abc.SocketListener:
    try:
        listeners = await anyio.create_tcp_listener(
            local_host=settings.bind_addr, local_port=settings.port, reuse_port=False, backlog=1024
        )
    except OSError as error:
        raise CannotListen(
            f"port {settings.port} on {settings.bind_addr} cannot be had ({error.strerror or error}); "
            "another program listens there: stop it, or choose another with --port or REFLEX_PORT"
        ) from error
    listener = listeners.listeners[0]
    assert isinstance(listener, anyio.abc.SocketListener)  # noqa: S101 - anyio types it more loosely
    return listener
