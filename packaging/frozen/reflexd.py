"""The program `reflexd` of the frozen build."""

from reflexd_io.cli import main

main()
