"""All three programs: which of them this is, it knows by the name of its file."""

import sys
from pathlib import Path

match Path(sys.executable).stem:
    case "reflex-tui":
        from reflexd_tui import main
    case "reflex-tray":
        from reflexd_tray import main
    case _:
        from reflexd_io.cli import main

main()
