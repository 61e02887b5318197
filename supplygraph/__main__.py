"""`python -m supplygraph`: the command line."""

from supplygraph.cli.main import main

main()
