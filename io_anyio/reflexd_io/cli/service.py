"""``reflexd service``: the daemon as a service of the person's own."""

import argparse
import json

from reflexd_io.cli import Failed, settings_of
from reflexd_io.service import CannotManage, Manager, reflexd_command


def service(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    manager = Manager(reflexd_command(), port=settings.port, address=settings.bind_addr)
    if args.action == "status":
        found = manager.look()
        if args.json:
            print(json.dumps({"installed": found.installed, "state": found.state, "files": found.files}))
        else:
            print(f"{'installed' if found.installed else 'not installed'}, {found.state}")
            print("".join(f"  {path}\n" for path in found.files), end="")
        return 0 if found.installed else 1
    try:
        done = manager.install() if args.action == "install" else manager.uninstall()
    except (CannotManage, OSError) as error:
        raise Failed(str(error)) from error
    print(json.dumps({"done": done}) if args.json else "\n".join(done))
    return 0
