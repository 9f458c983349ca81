"""The commands that send agents through Reflex: ``env``, ``run`` and ``setup``."""

import argparse

from reflexd_io.cli.commands.base import Commands, Parser


def add(commands: Commands) -> None:
    through = Parser(add_help=False)
    through.add_argument("--tenant", metavar="NAME", help="as this tenant (puts /t/NAME into the address)")
    through.add_argument("--upstream", metavar="NAME", help="to this provider (puts /u/NAME into the address)")
    key = Parser(add_help=False)
    key.add_argument("--stored-key", action="store_true", help="with the tenant's own key instead of the agent's")

    env = commands.add("env", "agents:env", commands.common, through, key, help="what sends an agent through Reflex")
    env.add_argument("agent", metavar="AGENT", help="claude, codex, opencode, aider, gemini, qwen, continue, cline …")
    env.add_argument("--shell", choices=("posix", "fish", "powershell"), help="whose notation (default: yours)")
    run = commands.add(
        "run", "agents:run", commands.configured, through, key, help="run an agent through Reflex, once"
    )
    run.add_argument("--agent", metavar="AGENT", help="which it is, where the program's name does not say so")
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM …", help="what to run: -- claude -p hi")
    setup = commands.add(
        "setup", "agents:setup", commands.configured, through, help="send an agent through Reflex for good"
    )
    setup.add_argument("agent", metavar="AGENT", help="claude, codex, opencode, aider, gemini, qwen, continue, cline")
    setup.add_argument("--undo", action="store_true", help="take it back")
    setup.add_argument("--dry-run", action="store_true", help="only show what would change")
