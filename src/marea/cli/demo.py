"""Owns `marea demo`: hands over to the story."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path


def demo(options: Namespace) -> int:
    """Walks through the whole story; gives its exit code."""
    from marea.demo.story import main

    return main(Path(options.keep) if options.keep else None)
