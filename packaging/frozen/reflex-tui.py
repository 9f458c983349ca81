"""The program `reflex-tui` of the frozen build."""

from reflexd_tui import main

main()
