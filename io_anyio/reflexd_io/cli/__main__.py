"""``python -m reflexd_io.cli``: the same as ``reflexd``."""

from reflexd_io.cli import main

main()
