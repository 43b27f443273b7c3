"""`python -m aiconvokit`."""

from aiconvokit.cli import main

main()
