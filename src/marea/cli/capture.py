"""Owns `marea capture`: what captures need in a source, installed, removed, or printed as SQL."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from marea.cli.common import opened
from marea.cli.output import plural, say, show_json

if TYPE_CHECKING:
    from marea.engine.install import Work


def install(options: Namespace) -> int:
    """Makes in the sources what the configured captures lack there."""
    with opened(options) as project:
        work = project.install(options.entities, carry_out=not options.sql)
    return _shown(work, options, "installed", "all is there already")


def remove(options: Namespace) -> int:
    """Removes from the sources what captures have there."""
    with opened(options) as project:
        work = project.install(options.entities, remove=True, carry_out=not options.sql)
    return _shown(work, options, "removed", "nothing is there")


def _shown(work: list[Work], options: Namespace, done: str, otherwise: str) -> int:
    if options.json:
        show_json([_document(item) for item in work])
    elif options.sql:
        _print_scripts(work, otherwise)
    else:
        for item in work:
            if item.statements:
                say(f"{_of(item)}: {done} with {plural(len(item.statements), 'statement')}")
            else:
                say(f"{_of(item)}: {otherwise}")
        if not work:
            say(otherwise)
    return 0


def _print_scripts(work: list[Work], otherwise: str) -> None:
    """The SQL alone on stdout, for the client of the database."""
    for item in work:
        if item.script:
            print(item.script)
    if not any(item.script for item in work):
        say(otherwise, sys.stderr)


def _of(item: Work) -> str:
    return f"{item.capture} of {', '.join(item.entities)} in {item.system}"


def _document(item: Work) -> dict[str, object]:
    return {
        "system": item.system,
        "capture": item.capture,
        "entities": item.entities,
        "statements": item.statements,
    }
