"""`python -m longshort_runtime`."""

from longshort_runtime import main

main()
