"""Owns the examination of keys: whether each row has its own, and what related rows are found by."""

from __future__ import annotations

from collections.abc import Iterator

from marea.ports import Column, Reader
from marea.sql.aggregate import Relation
from marea.sql.dates import COUNT
from marea.sql.pages import Pages


def doubts(pages: Pages, reader: Reader) -> Iterator[str]:
    """What keeps the key from naming each record once, or a join from its rows, one sentence each.

    Raises ConfigurationError, SystemUnreachable.
    """
    table = pages.aggregate.table.name
    key = ", ".join(column.name for column in pages.aggregate.key)
    keyless = next(reader.stream(pages.keyless(), COUNT, 1)).column(0)[0].as_py()
    if keyless:
        yield f"{keyless:,} of the first rows of {table} have no key ({key}): runs leave them out and say so"
    if not pages.aggregate.guarded:
        yield (
            f"no unique index makes sure that a key ({key}) is in {table} once: runs ask for keys that "
            "several rows have, and reject their records"
        )
    for line in pages.aggregate.lineages():
        yield from _mixed(line[-1])


def _mixed(relation: Relation) -> Iterator[str]:
    for own, above in relation.on:
        if {_family(own), _family(above)} == {"text", "number"}:
            here, there = f"{own.name} ({own.native})", f"{above.name} ({above.native})"
            yield (
                f"relation {relation.path} joins {here} with {there}: of a text that is no number the "
                "database makes what it will, and an index may not serve; read one of them from a view "
                "that gives it the type of the other"
            )


def _family(column: Column) -> str:
    kind = str(column.type)
    numbers = ("int", "uint", "float", "double", "decimal")
    return "number" if kind.startswith(numbers) else "text" if kind == "string" else kind
