"""The command line: ``reflexd``.

Data goes to stdout, everything else to stderr. Errors are one line that says what to do. Exit codes: 0 done,
1 failed (a supervisor need not restart), 2 used wrongly, 3 no daemon runs, 130 interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from reflexd_core import __version__
from reflexd_io.cli import cache_flags
from reflexd_io.cli.tenant_flags import add_pausing, add_tenants
from reflexd_io.settings import Settings, load
from reflexd_io.values import BadFlag, BadSetting

SETTING_FLAGS = ("port", "bind_addr", "storage_path", "log_level")


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)  # a script's --po would change its meaning with our next flag

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class Failed(Exception):  # noqa: N818 - it says what the command has done
    """A command cannot go on; the message says why, in one line."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    args = parser().parse_args(argv)
    try:
        sys.exit(_run(args))
    except BadSetting as error:
        sys.exit(fail(str(error), 2 if isinstance(error, BadFlag) else 1))
    except Failed as failed:
        sys.exit(fail(str(failed), failed.code))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        sys.exit(1)


def fail(message: str, code: int = 1) -> int:
    """Say why on stderr, in one line; gives the exit code."""
    print(f"reflexd: {' '.join(message.split())}", file=sys.stderr)
    return code


def settings_of(args: argparse.Namespace) -> Settings:
    """All settings, the flags among them. Raises `BadSetting`, which `main` tells."""
    config = getattr(args, "config", None)
    return load(setting_flags(args), config_file=Path(config) if config is not None else None)


def setting_flags(args: argparse.Namespace) -> dict[str, str]:
    """The settings that were given as flags, as typed."""
    return {name: value for name in SETTING_FLAGS if (value := getattr(args, name, None)) is not None}


def _run(args: argparse.Namespace) -> int:
    """Each command's module is imported only when it runs: `reflexd status` should not wait for the server's."""
    module, function = _COMMANDS[args.command]
    run: Callable[[argparse.Namespace], int] = getattr(import_module(f"reflexd_io.cli.{module}"), function)
    return run(args)


_COMMANDS = {
    "serve": ("serve", "serve"),
    "demo": ("demo", "demo"),
    "status": ("status", "status"),
    "stop": ("status", "stop"),
    "stats": ("stats", "stats"),
    "logs": ("logs", "logs"),
    "dashboard": ("dashboard", "dashboard"),
    "doctor": ("doctor", "doctor"),
    "wrong": ("feedback", "wrong"),
    "audits": ("feedback", "audits"),
    "explain": ("explain", "explain"),
    "judge": ("judge", "judge"),
    "eval": ("eval", "evaluate"),
    "tune": ("tune", "tune"),
    "tauq": ("tauq", "tauq"),
    "service": ("service", "service"),
    "completions": ("completions", "completions"),
    "env": ("agents", "env"),
    "run": ("agents", "run"),
    "setup": ("agents", "setup"),
    "keys": ("keys", "keys"),
    "tenants": ("tenants", "tenants"),
    "on": ("tenants", "on"),
    "off": ("tenants", "off"),
    "mode": ("tenants", "mode"),
    "cache": ("cache", "cache"),
    "warm": ("warm", "warm"),
}
"""By its name, each command's module and function."""


def parser() -> argparse.ArgumentParser:
    """All commands and flags; completions and the manual page are made from it."""
    whole = _Parser(prog="reflexd", description="A local cache between coding agents and the LLM providers they pay.")
    whole.add_argument("--version", action="version", version=f"reflexd {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    configured = _Parser(add_help=False)
    configured.add_argument(
        "--config", metavar="FILE", help="configuration file (default: config.toml in the user's)"
    )
    configured.add_argument("--storage-path", metavar="DIR", help="where answers are kept (REFLEX_STORAGE_PATH)")
    common = _Parser(add_help=False, parents=[configured])
    common.add_argument("--json", action="store_true", help="one JSON object on stdout")
    listening = _Parser(add_help=False)
    listening.add_argument(
        "--port", metavar="N", help="port to listen on (REFLEX_PORT, default 8080; 0: any free one)"
    )
    listening.add_argument("--bind-addr", metavar="ADDR", help="loopback address to listen on (REFLEX_BIND_ADDR)")

    serve = commands.add_parser("serve", parents=[common, listening], help="run the cache in the foreground")
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (REFLEX_LOG_LEVEL)")
    demo = commands.add_parser("demo", parents=[listening], help="see it work against a mock provider, at no cost")
    demo.add_argument("--keep", action="store_true", help="leave it serving afterwards, until Ctrl-C")
    demo.add_argument("--json", action="store_true", help="the table as one JSON object on stdout")
    commands.add_parser("status", parents=[common], help="say whether it runs and what it has done")
    commands.add_parser("stop", parents=[common], help="finish what is under way and stop")
    wrong = commands.add_parser("wrong", parents=[common], help="say that an answer to other words was wrong")
    wrong.add_argument("entry", metavar="ENTRY", help="X-Reflex-Entry of the answer")
    wrong.add_argument("exchange", metavar="EXCHANGE", help="X-Reflex-Exchange of the answer")
    audits = commands.add_parser("audits", parents=[common], help="how often hits by meaning proved right")
    audits.add_argument("--tenant", metavar="NAME", help="whose (default: the active tenant)")
    explain = commands.add_parser(
        "explain", parents=[common], help="say how an exchange was decided, and why it missed"
    )
    explain.add_argument(
        "exchange", metavar="EXCHANGE", nargs="?", help="X-Reflex-Exchange (default: the last one's)"
    )
    stats = commands.add_parser("stats", parents=[common], help="what was saved, how often and how fast")
    stats.add_argument("--range", choices=["today", "7d", "30d", "ever"], default="today", help="(default: today)")
    stats.add_argument("--tenant", metavar="NAME", help="whose (default: everybody's)")
    logs = commands.add_parser("logs", parents=[configured], help="the end of the request log")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument("-n", "--lines", type=_lines, default=20, metavar="N", help="how many (default 20)")
    dashboard = commands.add_parser("dashboard", parents=[common], help="open the dashboard in the browser")
    dashboard.add_argument("--no-open", action="store_true", help="only print its address")
    commands.add_parser("doctor", parents=[common, listening], help="check port, storage, keyring and upstreams")
    service = commands.add_parser(
        "service", parents=[common], help="start the daemon at login, and again if it fails"
    )
    service.add_argument("action", choices=("install", "uninstall", "status"))
    _add_keys(commands.add_parser("keys", help="the providers' keys in the OS keyring"), common)
    add_tenants(commands.add_parser("tenants", help="who may ask, what each allows, and its tokens"), common)
    add_pausing(commands, common)
    cache_flags.add_cache(commands.add_parser("cache", help="what is stored: browse, purge, pin, move"), common)
    cache_flags.add_warm(commands.add_parser("warm", parents=[common], help="send a file of requests, to fill it"))
    _add_meaning(commands, configured, common)
    _add_agents(commands, configured, common)
    _add_tauq(commands.add_parser("tauq", help="turn JSON into Tauq notation, which is shorter, and back"))
    shells = commands.add_parser("completions", help="print a shell's completions for reflexd")
    shells.add_argument("shell", choices=("bash", "zsh", "fish"), help="whose")
    return whole


def _add_keys(keys: _Parser, common: _Parser) -> None:
    actions = keys.add_subparsers(dest="action", required=True, metavar="set|list|rm|test", parser_class=_Parser)
    new = actions.add_parser("set", parents=[common], help="keep a key; it is asked for, never given as an argument")
    new.add_argument("--stdin", action="store_true", help="read the key from standard input")
    gone = actions.add_parser("rm", parents=[common], help="take a key out of the keyring")
    tried = actions.add_parser("test", parents=[common], help="ask the provider whether it takes the key, at no cost")
    listed = actions.add_parser("list", parents=[common], help="which keys there are; of each only its end")
    for action in (new, gone, tried):
        action.add_argument("upstream", metavar="UPSTREAM", help="such as openai, anthropic, groq")
    for action in (new, gone, tried, listed):
        action.add_argument("--tenant", metavar="NAME", help="whose (default: the active tenant)")


def _add_tauq(tauq: _Parser) -> None:
    directions = tauq.add_subparsers(dest="direction", required=True, metavar="encode|decode", parser_class=_Parser)
    encode = directions.add_parser("encode", help="JSON in, Tauq out")
    encode.add_argument("--minify", action="store_true", help="on one line")
    encode.add_argument("--commas", action="store_true", help="commas between the values of a row")
    encode.add_argument("--no-schemas", action="store_true", help="no tables: keys beside every value")
    for direction in (encode, directions.add_parser("decode", help="Tauq in, JSON out")):
        direction.add_argument("file", metavar="FILE", nargs="?", help="what to read (default, or -: standard input)")


def _add_agents(commands: "argparse._SubParsersAction[_Parser]", configured: _Parser, common: _Parser) -> None:
    """The commands that send agents through Reflex."""
    through = _Parser(add_help=False)
    through.add_argument("--tenant", metavar="NAME", help="as this tenant (puts /t/NAME into the address)")
    through.add_argument("--upstream", metavar="NAME", help="to this provider (puts /u/NAME into the address)")
    key = _Parser(add_help=False)
    key.add_argument("--stored-key", action="store_true", help="with the tenant's own key instead of the agent's")
    env = commands.add_parser("env", parents=[common, through, key], help="what sends an agent through Reflex")
    env.add_argument("agent", metavar="AGENT", help="claude, codex, opencode, aider, gemini, qwen, continue, cline …")
    env.add_argument("--shell", choices=("posix", "fish", "powershell"), help="whose notation (default: yours)")
    run = commands.add_parser("run", parents=[configured, through, key], help="run an agent through Reflex, once")
    run.add_argument("--agent", metavar="AGENT", help="which it is, where the program's name does not say so")
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM …", help="what to run: -- claude -p hi")
    setup = commands.add_parser("setup", parents=[configured, through], help="send an agent through Reflex for good")
    setup.add_argument("agent", metavar="AGENT", help="claude, codex, opencode, aider, gemini, qwen, continue, cline")
    setup.add_argument("--undo", action="store_true", help="take it back")
    setup.add_argument("--dry-run", action="store_true", help="only show what would change")


def _add_meaning(commands: "argparse._SubParsersAction[_Parser]", configured: _Parser, common: _Parser) -> None:
    """The commands with which the judgement by meaning is looked at."""
    judge = commands.add_parser("judge", parents=[configured], help="say of pairs of questions what serving would")
    judge.add_argument("file", metavar="FILE", help="JSON Lines with a (stored) and b (asked); .gz too; -: stdin")
    evaluated = commands.add_parser("eval", parents=[common], help="measure the judgement on labelled pairs")
    evaluated.add_argument("file", metavar="FILE", help="as for judge, with label (1: the answer serves), and unit")
    evaluated.add_argument("--cache-sim", action="store_true", help="store every a, then ask every b")
    tune = commands.add_parser("tune", parents=[common], help="fit score and threshold to your own labels and audits")
    tune.add_argument("--precision", type=_share, default=0.97, metavar="P", help="of hits by meaning (default 0.97)")
    tune.add_argument("--confidence", type=_share, default=0.95, metavar="C", help="that it holds (default 0.95)")
    tune.add_argument("--dry-run", action="store_true", help="write nothing")
    tune.add_argument("--reset", action="store_true", help="go back to what the verifier came with")


def _lines(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError("expected a number of lines")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError("expected a number above 0 and below 1")
    return share
