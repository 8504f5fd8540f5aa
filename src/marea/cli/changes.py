"""Owns how a change is told: fields before and after, cut where the two differ; of lists the rows that do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marea.cli.output import WIDTH, clean, encode, plain, plural, shorten, table, value_text

BEFORE_IT = 20
"""Letters shown before the first difference of two long texts."""
ROWS = 8
"""Differences told of one list; its document has them all."""

_Told = tuple[str, str]
"""What changed, and how."""


def changes_text(changes: Mapping[str, Sequence[Any]], indent: str, *, created: bool) -> Iterator[str]:
    """Fields before and after, a line each; what is created has no before."""
    told = [
        (indent + what, how)
        for name, (before, after) in changes.items()
        for what, how in ([(name, value_text(after))] if created else _change(name, before, after))
    ]
    return iter(table(("", ""), told))


def _change(name: str, before: Any, after: Any) -> Iterator[_Told]:
    if not isinstance(before, list) or not isinstance(after, list):
        yield name, _pair(before, after)
        return
    told = list(_rows(name, before, after))
    yield from told[:ROWS]
    if len(told) > ROWS:
        yield name, f"… and {plural(len(told) - ROWS, 'more difference')}: --json has all"


def _rows(name: str, before: list[Any], after: list[Any]) -> Iterator[_Told]:
    """The rows that differ, by their number, between those at the beginning and the end that are equal."""
    texts, others = list(map(encode, before)), list(map(encode, after))
    head = _same(texts, others)
    tail = _same(texts[head:][::-1], others[head:][::-1])
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True), head + 1):
            yield from _row(f"{name} row {number}", one, other)
        return
    for number, row in enumerate(old, head + 1):
        yield f"{name} row {number}", f"removed: {value_text(row)}"
    for number, row in enumerate(new, head + 1):
        yield f"{name} row {number}", f"added: {value_text(row)}"


def _same(before: Sequence[str], after: Sequence[str]) -> int:
    """How many texts, or letters of a text, are equal at the beginning of both."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((number for number, (old, new) in pairs if old != new), min(len(before), len(after)))


def _row(name: str, before: Any, after: Any) -> Iterator[_Told]:
    """The columns of a row that differ."""
    if not isinstance(before, dict) or not isinstance(after, dict) or before.keys() != after.keys():
        yield name, _pair(before, after)
        return
    for column, value in after.items():
        if encode(before[column]) != encode(value):
            yield f"{name} {column}", _pair(before[column], value)


def _pair(before: Any, after: Any) -> str:
    """Two values, both from shortly before their first difference on where they are long.

    What was not delivered before, or is private, has nothing to tell before and after apart.
    """
    if encode(before) == encode(after):
        return value_text(after)
    old, new = clean(plain(before)), clean(plain(after))
    if old.strip() == new.strip():  # a number and its text, blanks at the end, letters that are not printed
        old, new = _exact(before), _exact(after)
    same = _same(old, new)
    start = same - BEFORE_IT if max(len(old), len(new)) > WIDTH and same > WIDTH // 2 else 0
    return f"{_from(old, start)} -> {_from(new, start)}"


def _exact(value: Any) -> str:
    """A value as JSON, each letter that is not printed as its escape."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in encode(value))


def _from(text: str, start: int) -> str:
    return shorten(f"…{text[start:]}" if start else text)
