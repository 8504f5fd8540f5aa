"""Owns `python -m marea`."""

from marea.cli.main import main

main()
