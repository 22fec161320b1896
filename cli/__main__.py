"""`python -m cli` is `tcpdash`."""

from cli.main import main

main()
