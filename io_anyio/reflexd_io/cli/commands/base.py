"""What the groups of commands are made with: the parser, the flags that many share, and how a command is added."""

import argparse
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)  # a script's --po would change its meaning with our next flag

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


Actions = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives


class Commands:
    """Takes commands in. ``configured``, ``common`` and ``listening`` are parents for their parsers."""

    def __init__(self, commands: "Actions[Parser]") -> None:
        self._commands = commands
        self.configured = Parser(add_help=False)
        self.configured.add_argument(
            "--config", metavar="FILE", help="configuration file (default: config.toml in your configuration folder)"
        )
        self.configured.add_argument(
            "--storage-path", metavar="DIR", help="where answers are kept (REFLEX_STORAGE_PATH)"
        )
        self.common = Parser(add_help=False, parents=[self.configured])
        self.common.add_argument("--json", action="store_true", help="one JSON object on stdout")
        self.listening = Parser(add_help=False)
        self.listening.add_argument(
            "--port", metavar="N", help="port to listen on (REFLEX_PORT, default 8080; 0: any free one)"
        )
        self.listening.add_argument("--bind-addr", metavar="ADDR", help="address to listen on (REFLEX_BIND_ADDR)")

    def add(self, name: str, runs: str, *parents: Parser, help: str) -> Parser:  # noqa: A002 - argparse's own name
        """A new command; ``runs``: module and function, as "status:stop"."""
        command = self._commands.add_parser(name, parents=parents, help=help)
        command.set_defaults(runs=runs)
        return command

    def add_group(self, name: str, runs: str, actions: str, *, dest: str = "action", help: str) -> "Actions[Parser]":  # noqa: A002
        """A new command that has commands of its own."""
        command = self.add(name, runs, help=help)
        return command.add_subparsers(dest=dest, required=True, metavar=actions, parser_class=Parser)
