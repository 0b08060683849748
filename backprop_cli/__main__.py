"""`python -m backprop_cli` is the same as `backprop`."""

from backprop_cli.commands.main import main

main()
