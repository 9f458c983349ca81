"""Who may ask and what each may: ``tenants``, ``keys``, ``on``, ``off`` and ``mode``."""

from reflexd_io.cli.commands.base import Actions, Commands, Parser


def add(commands: Commands) -> None:
    _add_tenants(commands)
    _add_keys(commands)
    _add_pausing(commands)


def _add_tenants(commands: Commands) -> None:
    common = commands.common
    actions = commands.add_group(
        "tenants",
        "tenants:tenants",
        "list|add|rm|rename|use|token|keys|adopt|policy|upstream",
        help="who may ask, what each allows, and its tokens",
    )
    listed = actions.add_parser("list", parents=[common], help="which there are, and what they have")
    listed.add_argument("--all", action="store_true", help="also those of keys that nobody has adopted")
    _one(actions, common, "add", "a new one")
    _one(actions, common, "use", "make it the active one: requests without a key are its")
    gone = _one(actions, common, "rm", "remove it with all that is stored for it; this cannot be undone")
    gone.add_argument("--force", action="store_true", help="also the active one, or all in one that must stay")
    renamed = _one(actions, common, "rename", "call it otherwise; entries, tokens and keys stay its own")
    renamed.add_argument("to", metavar="NEW", help="its new name")
    token = _one(actions, common, "token", "its tokens: list, add, rm")
    token.add_argument("what", nargs="?", choices=("list", "add", "rm"), default="list", help="(default: list)")
    token.add_argument("id", nargs="?", metavar="ID", help="which to revoke, by id or name")
    token.add_argument("--name", dest="called", default="", metavar="TEXT", help="what the new one is for")
    token.add_argument("--expires", metavar="TIME", help="such as 12h or 30d (default: never)")
    actions.add_parser("keys", parents=[common], help="provider keys that clients brought, for adopt")
    adopted = _one(actions, common, "adopt", "let it adopt a key that was seen: requests with it are its")
    adopted.add_argument("key", metavar="KEY", help="as `reflexd tenants keys` names it: anon-…")
    adopted.add_argument("--undo", action="store_true", help="give the key up again")
    policy = _one(actions, common, "policy", "what it allows, and where that comes from")
    policy.add_argument("settings", nargs="*", metavar="SETTING=VALUE", help="change these; SETTING= takes one back")
    upstream = _one(actions, common, "upstream", "the upstreams it goes to")
    upstream.add_argument("upstreams", nargs="*", metavar="NAME=URL", help="change these; NAME= takes one back")
    upstream.add_argument("--default", metavar="NAME", help="where it goes by default; '' takes it back")


def _add_keys(commands: Commands) -> None:
    common = commands.common
    actions = commands.add_group(
        "keys", "keys:keys", "set|list|rm|test", help="the providers' keys in the OS keyring"
    )
    new = actions.add_parser("set", parents=[common], help="keep a key; it is asked for, never given as an argument")
    new.add_argument("--stdin", action="store_true", help="read the key from standard input")
    gone = actions.add_parser("rm", parents=[common], help="take a key out of the keyring")
    tried = actions.add_parser("test", parents=[common], help="ask the provider whether it takes the key, at no cost")
    listed = actions.add_parser("list", parents=[common], help="which keys there are; of each only its end")
    for action in (new, gone, tried):
        action.add_argument("upstream", metavar="UPSTREAM", help="such as openai, anthropic, groq")
    for action in (new, gone, tried, listed):
        action.add_argument("--tenant", metavar="NAME", help="whose (default: the active tenant)")


def _add_pausing(commands: Commands) -> None:
    common = commands.common
    off = commands.add("off", "tenants:off", common, help="pass everything through, nothing is read or stored")
    off.add_argument("--for", dest="for_", metavar="TIME", help="such as 90s, 30m or 12h (default: until `on`)")
    on = commands.add("on", "tenants:on", common, help="end a pause")
    for pausing in (off, on):
        pausing.add_argument("--tenant", metavar="NAME", help="whose (default: everybody's)")
    mode = commands.add("mode", "tenants:mode", common, help="what is compared, or how that stands now")
    mode.add_argument("mode", nargs="?", choices=("normal", "exact", "shadow"), help="for everybody")


def _one(actions: "Actions[Parser]", common: Parser, name: str, words: str) -> Parser:
    parser = actions.add_parser(name, parents=[common], help=words)
    parser.add_argument("name", metavar="TENANT")
    return parser
