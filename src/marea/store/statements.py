"""Owns the text of the state's SQL: reads `queries.sql` and the migrations, and fits them to a database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from marea.model import NOTHING_APPLIED

FOLDER = Path(__file__).parent
WORD = re.compile(r"\{(\w+)\}")
CODES = {code: code for code in NOTHING_APPLIED}
"""The codes with which nothing is in doubt (`marea.model.leaves_doubt`), each the parameter of its name."""
CONDITION = re.compile(r"-- when (\w+)\s*$")


def statement(name: str, given: Mapping[str, object]) -> str:
    """The named statement; a line that ends in `-- when NAME` is left out where NAME is not given."""
    return _cut(name, frozenset(key for key, value in given.items() if value is not None))


@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """Number, name and text of every migration, in order."""
    found = sorted((FOLDER / "migrations").glob("*.sql"))
    return tuple((int(file.name[:4]), file.stem[5:], file.read_text("utf-8")) for file in found)


def fit(text: str, words: Mapping[str, str]) -> str:
    """The text with each {word} in the database's own form."""
    return WORD.sub(lambda found: words[found[1]], text) if "{" in text else text


@cache
def _cut(name: str, given: frozenset[str]) -> str:
    kept = []
    for line in _statements()[name].splitlines():
        condition = CONDITION.search(line)
        if condition is None or condition[1] in given:
            kept.append(line.split("-- ")[0].rstrip())
    return "\n".join(line for line in kept if line)


@cache
def _statements() -> dict[str, str]:
    text = (FOLDER / "queries.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
