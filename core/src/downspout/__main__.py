"""`python -m downspout`, where the command itself is not on the path."""

from downspout._cli import main

main()
