"""``python -m reflexd_tui``."""

from reflexd_tui import main

main()
