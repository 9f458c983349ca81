"""The commands that need no daemon: ``tauq`` and ``completions``."""

from reflexd_io.cli.commands.base import Commands


def add(commands: Commands) -> None:
    directions = commands.add_group(
        "tauq",
        "tauq:tauq",
        "encode|decode",
        dest="direction",
        help="turn JSON into Tauq notation, which is shorter, and back",
    )
    encode = directions.add_parser("encode", help="JSON in, Tauq out")
    encode.add_argument("--minify", action="store_true", help="on one line")
    encode.add_argument("--commas", action="store_true", help="commas between the values of a row")
    encode.add_argument("--no-schemas", action="store_true", help="no tables: keys beside every value")
    for direction in (encode, directions.add_parser("decode", help="Tauq in, JSON out")):
        direction.add_argument("file", metavar="FILE", nargs="?", help="what to read (default, or -: standard input)")
    shells = commands.add("completions", "completions:completions", help="print a shell's completions for reflexd")
    shells.add_argument("shell", choices=("bash", "zsh", "fish"), help="whose")
