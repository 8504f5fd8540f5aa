"""Owns the examination of a condition that a command is given: whole, and one that its source takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.errors import ConfigurationError
from marea.sql.conditions import incomplete, meant, told, tried

if TYPE_CHECKING:
    from marea.ports import Source, Table


def check_whole(where: str) -> None:
    """Raises ConfigurationError where the text of `--where` is not one complete expression."""
    if why := incomplete(where):
        raise ConfigurationError.single(f"--where is not one complete expression: {why}")


def check_taken(source: Source, table: Table, where: str) -> None:
    """Raises ConfigurationError where a source does not take it over the rows of a table."""
    try:
        source.type_of(table.name, tried(where))
    except ConfigurationError as error:
        words, names = error.faults[0].message, [column.name for column in table.columns]
        hint = meant(words, where, names) or f"columns of {table.name}: {', '.join(names[:12])}"
        raise ConfigurationError.single(told(words, tried(where)), field="--where", hint=hint) from None
