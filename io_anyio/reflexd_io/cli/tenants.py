"""``reflexd tenants``, ``on``, ``off`` and ``mode``: what the running daemon may be told about tenants.

It is told the daemon and nobody else, since the daemon alone writes its registry; where none runs, that is said, with
exit code 3.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from reflexd_io.cli import Failed
from reflexd_io.cli.asking import answer, line
from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes import tenants as shapes
from reflexd_io.control_client.shapes.common import Done

_NONE = {"exact_lifetime": "for ever", "threshold": "the model's own"}
"""What holds where a setting has no value; of the others it is no limit."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def tenants(args: argparse.Namespace) -> int:
    return _ACTIONS[args.action](args)


def off(args: argparse.Namespace) -> int:
    seconds = seconds_in(args.for_) if args.for_ is not None else None
    return _tell_state(args, answer(args, calls.pause(seconds=seconds, tenant=args.tenant)))


def on(args: argparse.Namespace) -> int:
    return _tell_state(args, answer(args, calls.resume(tenant=args.tenant)))


def mode(args: argparse.Namespace) -> int:
    asked = calls.state() if args.mode is None else calls.set_mode(shapes.Mode(mode=args.mode))
    return _tell_state(args, answer(args, asked))


def seconds_in(text: str) -> float:
    """``90``, ``30m``, ``12h``, ``7d``. Raises `Failed`."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd]?)", text.strip())
    if found is None or float(found[1]) <= 0:
        raise Failed(f"{text!r}: expected a time such as 90s, 30m, 12h or 7d", 2)
    return float(found[1]) * _UNITS[found[2] or "s"]


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _list(args: argparse.Namespace) -> int:
    found = answer(args, calls.list_tenants())
    if args.json:
        return _as_json(found)
    shown = [row for row in found.items if args.all or not row.anonymous]
    width = max(len(row.name) for row in shown)
    for row in shown:
        marks = [
            "anonymous" if row.anonymous else "",
            "in config.toml" if row.from_config else "",
            "left over: in config.toml no longer" if row.left_over else "",
            f"{row.tokens} token{_s(row.tokens)}" if row.tokens else "",
            f"{len(row.adopted)} adopted key{_s(len(row.adopted))}" if row.adopted else "",
            _paused(row.paused_until),
        ]
        told = ", ".join(mark for mark in marks if mark)
        print(
            f"{'*' if row.active else ' '} {row.name:{width}}  {row.entries:>7} entries  {row.size / 1e6:>8.1f} MB"
            f"  {row.hits:>6} hits  {row.misses:>6} misses{'  ' + told if told else ''}"
        )
    hidden = len(found.items) - len(shown)
    if hidden:
        print(f"  and {hidden} anonymous ones, of keys that nobody has adopted: --all")
    return 0


def _add(args: argparse.Namespace) -> int:
    row = answer(args, calls.add_tenant(args.name))
    if args.json:
        return _as_json(row)
    return _say(
        f"Tenant {row.name} is there: by /t/{row.name}/v1 in an address, x-reflex-tenant: {row.name}, or one of its "
        f"tokens (reflexd tenants token {row.name} add)."
    )


def _remove(args: argparse.Namespace) -> int:
    return _done(args, answer(args, calls.remove_tenant(args.name, force=args.force)))


def _rename(args: argparse.Namespace) -> int:
    row = answer(args, calls.rename_tenant(args.name, args.to))
    return _as_json(row) if args.json else _say(f"Tenant {args.name} is called {row.name} now, with all that it has.")


def _use(args: argparse.Namespace) -> int:
    found = answer(args, calls.use_tenant(args.name))
    return _as_json(found) if args.json else _say(f"Requests without a key of their own are {found.active}'s now.")


def _token(args: argparse.Namespace) -> int:
    match args.what:
        case "add":
            expires_in = seconds_in(args.expires) if args.expires is not None else None
            issued = answer(args, calls.issue_token(args.name, name=args.called, expires_in=expires_in))
            if args.json:
                return _as_json(issued)
            print(issued.token)
            return _say_beside("It is shown this once. Give it to the client as its API key.")
        case "rm" if args.id is None:
            raise Failed("which token? its id or name is needed: reflexd tenants token TENANT rm ID", 2)
        case "rm":
            return _done(args, answer(args, calls.revoke_token(args.name, args.id)))
        case _:
            return _tokens(args, answer(args, calls.list_tokens(args.name)))


def _tokens(args: argparse.Namespace, found: shapes.Tokens) -> int:
    if args.json:
        return _as_json(found)
    for row in found.items:
        ends = (
            "expired" if row.expired else f"until {_moment(row.expires)}" if row.expires is not None else "for ever"
        )
        used = f"used {_moment(row.used)}" if row.used is not None else "never used"
        print(f"{row.id}  …{row.hint}  {ends}, {used}  {line(row.name)}".rstrip())
    return 0 if found.items else _say(f"Tenant {args.name} has no tokens.")


def _keys(args: argparse.Namespace) -> int:
    found = answer(args, calls.seen_keys())
    if args.json:
        return _as_json(found)
    for key in found.items:
        used = f"used {_moment(key.used)}" if key.used is not None else "not used since the start"
        whose = f"  adopted by {key.adopted_by}" if key.adopted_by is not None else ""
        print(f"{key.tenant}  …{key.hint or '?'}  {key.upstream or '?'}  {key.entries} entries, {used}{whose}")
    return 0 if found.items else _say("No client has brought a provider key of its own yet.")


def _adopt(args: argparse.Namespace) -> int:
    ask = calls.give_up(args.name, args.key) if args.undo else calls.adopt(args.name, args.key)
    return _done(args, answer(args, ask))


def _policy(args: argparse.Namespace) -> int:
    given = dict(map(_assigned, args.settings))
    ask = calls.change_policy(args.name, given) if given else calls.policy(args.name)
    found = answer(args, ask)
    if args.json:
        return _as_json(found)
    width = max(len(row.name) for row in found.settings)
    for row in found.settings:
        print(f"{row.name:{width}}  {_value(row.name, row.value):24}  {row.origin:7}  {row.expected}")
    return 0


def _upstream(args: argparse.Namespace) -> int:
    urls = {name: url or None for name, url in (_halves(text) for text in args.upstreams)}
    change = shapes.UpstreamChange(upstreams=urls, default=args.default)
    changes = bool(urls) or args.default is not None
    ask = calls.change_tenant_upstreams(args.name, change) if changes else calls.tenant_upstreams(args.name)
    found = answer(args, ask)
    if args.json:
        return _as_json(found)
    for row in found.items:
        mark, own = "*" if row.name == found.default else " ", "  (its own)" if row.own else ""
        print(f"{mark} {row.name:12} {row.base_url}{own}")
    return 0


def _halves(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise Failed(f"{text!r}: expected NAME=VALUE, or NAME= to take it back", 2)
    return name, value


def _assigned(text: str) -> tuple[str, Any]:
    """A setting and its value, as JSON where it is that; nothing takes the setting back."""
    name, value = _halves(text)
    if not value:
        return name, None
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _value(name: str, value: object) -> str:
    return _NONE.get(name, "no limit") if value is None else json.dumps(value)


def _done(args: argparse.Namespace, done: Done) -> int:
    return _as_json(done) if args.json else _say(done.message)


def _as_json(found: msgspec.Struct) -> int:
    return _say(msgspec.json.encode(found).decode())


def _say(text: str) -> int:
    print(text)
    return 0


def _say_beside(text: str) -> int:
    """Where it is not taken for the answer by whoever reads that."""
    print(text, file=sys.stderr)
    return 0


def _tell_state(args: argparse.Namespace, state: shapes.State) -> int:
    if args.json:
        return _as_json(state)
    paused = _paused(state.paused_until) or ("paused for the active tenant" if not state.caching else "")
    modes = {
        "normal": "as the policies say",
        "exact": "exact repeats only",
        "shadow": "exact repeats; hits by meaning are watched, not served",
    }
    return _say(f"Caching is {'off: ' + paused if paused else 'on'}; {modes[state.mode]}.")


def _paused(until: float | None) -> str:
    if until is None:
        return ""
    return "paused until resumed" if until < 0 else f"paused until {_moment(until)}"


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "add": _add,
    "rm": _remove,
    "rename": _rename,
    "use": _use,
    "token": _token,
    "keys": _keys,
    "adopt": _adopt,
    "policy": _policy,
    "upstream": _upstream,
}
