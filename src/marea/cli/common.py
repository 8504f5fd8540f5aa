"""Owns what commands share: opening the project, keys and books as documents, summaries in words."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marea.cli.arguments import DEFAULT
from marea.model import Books, Outcome, RunStatus

if TYPE_CHECKING:
    from marea.engine.project import Project

EXIT_CODES = {
    RunStatus.SUCCEEDED: 0,
    RunStatus.PARTIAL: 1,
    RunStatus.INTERRUPTED: 3,
    RunStatus.FAILED: 4,
}


def opened(options: Namespace, *, systems: bool = True) -> Project:
    """The project the command line means; without `systems` their secrets need not be there."""
    from marea.engine.project import open_project

    return open_project(options.config or os.environ.get("MAREA_CONFIG") or DEFAULT, systems=systems)


def key_value(key: str) -> Any:
    """A key's JSON text as the value it is in a document."""
    return json.loads(key, parse_float=Decimal)


def counts(books: Books) -> dict[str, Any]:
    """Detected, every outcome, and why records are unchanged or rows left out."""
    outcomes = {outcome.value: books.counts[outcome] for outcome in Outcome}
    return {"detected": books.detected, **outcomes, "skipped": books.skipped}


def in_words(books: Books) -> str:
    """The counts that are not zero: `10 detected: 1 created, 9 unchanged`."""
    if not books.detected:
        return "nothing to do"
    parts = [f"{number:,} {outcome}" for outcome, number in books.counts.items() if number]
    return f"{books.detected:,} detected: {', '.join(parts)}"


def seconds(value: float) -> str:
    """A duration as people read it: `0.4 s`, `2:05`, `1:02:05`."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
