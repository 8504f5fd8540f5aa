"""Owns guarding the expressions of a mapping: one that fails loses its record alone, and is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from marea.config.settings import Field, ReferenceField, ScalarField
from marea.sql.duck import literal, quote

FAILED = "$failed"  # the first field that could not be computed, empty for a check, or NULL

_COLUMN = re.compile(r"\s*[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\s*")


@dataclass(frozen=True, slots=True)
class Guard:
    """How expressions are evaluated: guarded, or plainly, so that one that fails fails the query."""

    on: bool

    def tried(self, expression: str) -> str:
        """The expression in a struct that is NULL where it fails."""
        return f"TRY({{'v': {expression}}})" if self.on else expression

    def value(self, name: str) -> str:
        """What a tried expression came to."""
        return f"{quote(name)}.v" if self.on else quote(name)

    def failures(self, names: Sequence[str], said: Sequence[str]) -> str:
        """FAILED once these columns were tried: what is said of the first of them that failed."""
        pairs = zip(names, said, strict=True) if self.on else ()
        failed = [f"CASE WHEN {quote(name)} IS NULL THEN {literal(text)} END" for name, text in pairs]
        return f"coalesce({', '.join([quote(FAILED), *failed])})"

    def opened(self, sql: str, fields: Sequence[Field], carried: Sequence[str]) -> str:
        """The rows with their tried fields taken out of the structs; `carried` columns go along."""
        names = [item.name for item in fields if self.on and may_fail(item)]
        if not names:
            return sql
        values = {item.name: quote(item.name) for item in fields} | {name: self.value(name) for name in names}
        selects = [
            *map(quote, carried),
            f"{self.failures(names, names)} AS {quote(FAILED)}",
            *(f"{value} AS {quote(name)}" for name, value in values.items()),
        ]
        return f"SELECT {', '.join(selects)} FROM ({sql})"


def may_fail(item: Field) -> bool:
    """Whether a field's own expression can fail: all but plain columns, and lists, whose fields tell."""
    if isinstance(item, ScalarField):
        return not _COLUMN.fullmatch(item.expression)
    return isinstance(item, ReferenceField)
