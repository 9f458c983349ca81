"""``python -m reflexd_tray``."""

from reflexd_tray import main

main()
