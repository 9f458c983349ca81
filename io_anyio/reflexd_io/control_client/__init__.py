"""The control client: how the command line, the TUI and the tray ask the running daemon, and hear of what happens."""

from reflexd_io.control_client import calls, shapes
from reflexd_io.control_client.ask import Ask, NotThere, Refused
from reflexd_io.control_client.blocking import BlockingClient
from reflexd_io.control_client.client import Client
from reflexd_io.control_client.launch import command, start_daemon
from reflexd_io.control_client.place import Place, find
from reflexd_io.service import named

__all__ = [
    "Ask",
    "BlockingClient",
    "Client",
    "NotThere",
    "Place",
    "Refused",
    "calls",
    "command",
    "find",
    "named",
    "shapes",
    "start_daemon",
]
