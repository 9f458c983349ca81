"""The daemon itself: ``serve``, ``demo``, ``status``, ``stop``, ``doctor`` and ``service``."""

from reflexd_io.cli.commands.base import Commands


def add(commands: Commands) -> None:
    common, listening = commands.common, commands.listening
    serve = commands.add("serve", "serve:serve", common, listening, help="run the cache in the foreground")
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (REFLEX_LOG_LEVEL)")
    demo = commands.add("demo", "demo:demo", listening, help="see it work against a mock provider, at no cost")
    demo.add_argument("--keep", action="store_true", help="leave it serving afterwards, until Ctrl-C")
    demo.add_argument("--json", action="store_true", help="the table as one JSON object on stdout")
    commands.add("status", "status:status", common, help="say whether it runs and what it has done")
    commands.add("stop", "status:stop", common, help="finish what is under way and stop")
    commands.add("doctor", "doctor:doctor", common, listening, help="check port, storage, keyring and upstreams")
    service = commands.add("service", "service:service", common, help="start the daemon at login, and when it fails")
    service.add_argument("action", choices=("install", "uninstall", "status"))
