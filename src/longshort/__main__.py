"""`python -m longshort`."""

from longshort.cli.main import main

main()
