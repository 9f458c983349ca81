"""The program `reflex-tray` of the frozen build."""

from reflexd_tray import main

main()
