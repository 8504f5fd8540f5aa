"""Owns the SQL of SQLite: quoting, stamps as JSON values, clocks, key lists, types of made columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.sql.dialect import HASHES, NO_DATE, Dialect, Query

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column

_NATIVE = {
    "bool": "BOOLEAN",
    "int8": "INTEGER",
    "int16": "INTEGER",
    "int32": "INTEGER",
    "int64": "INTEGER",
    "uint8": "INTEGER",
    "uint16": "INTEGER",
    "uint32": "INTEGER",
    "float": "REAL",
    "double": "REAL",
    "string": "TEXT",
    "large_string": "TEXT",
    "binary": "BLOB",
    "large_binary": "BLOB",
    "date32[day]": "DATE",
    "time64[us]": "TIME",
}

HASH = "marea_hash"
"""The function that every connection of ours has."""

_MOST = 100  # values of one call; SQLite takes 127

_HALF = 2**26  # sums of half a hash stay within SQLite's integers, which do not overflow but end the query

EXACT_DIGITS = 15
"""Decimal digits a SQLite number keeps; a longer decimal is kept as text."""


class SqliteDialect(Dialect):
    """SQLite 3.38 and later (JSON built in); values have types, columns only an inclination to them."""

    name = "sqlite"
    text_type = "TEXT"

    unnoted = ("a row that INSERT OR REPLACE removes because another has its key or a unique value",)

    def quote(self, name: str) -> str:
        """Double quotes, doubled inside."""
        return '"' + name.replace('"', '""') + '"'

    def placeholder(self, position: int) -> str:
        """`?1`, `?2`, …: a bare `?` would count on the order of the text."""
        return f"?{position}"

    def cast(self, expression: str, native: str) -> str:
        """A cast to the inclination of a declared type.

        None to NUMERIC, which would make the number 2024 of a date: comparing does that with care.
        """
        kind = affinity(native)
        return f"({expression})" if kind in ("", "NUMERIC") else f"CAST({expression} AS {kind})"

    def read(self, expression: str, column: Column) -> str:
        """As text where the values become decimals, or texts of a column that makes numbers of digits."""
        decimal = str(column.type).startswith("decimal")
        as_text = decimal or (str(column.type) == "string" and affinity(column.native) != "TEXT")
        return f"CAST({expression} AS TEXT)" if as_text else expression

    def stamp_out(self, expression: str, native: str) -> str:
        """A JSON value, which keeps apart numbers and texts: SQLite orders them differently."""
        return f"nullif(json_quote({expression}), 'null')"

    def stamp_in(self, placeholder: str, native: str) -> str:
        """The JSON value again."""
        return f"json_extract({placeholder}, '$')"

    def moment(self, native: str, seconds: str) -> str | None:
        """UTC in the form of CURRENT_TIMESTAMP: what carries fractions or a `T` is later, as text too."""
        kind = native.upper()
        if "TIMESTAMP" in kind or "DATETIME" in kind:
            return f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')"
        return f"strftime('%Y-%m-%d', {seconds}, 'unixepoch')" if "DATE" in kind else None

    def now(self, native: str) -> str | None:
        """UTC, as CURRENT_TIMESTAMP writes it."""
        kind = native.upper()
        if "TIMESTAMP" in kind or "DATETIME" in kind:
            return "CURRENT_TIMESTAMP"
        return "CURRENT_DATE" if "DATE" in kind else None

    def ahead(self, native: str) -> str | None:
        """A day from now: a text of today that has a T in its middle comes behind all that have none."""
        soon = {"CURRENT_TIMESTAMP": "datetime('now', '+1 day')", "CURRENT_DATE": "date('now', '+1 day')"}
        return soon.get(self.now(native) or "")

    def key_rows(self, placeholder: str, columns: Sequence[Column]) -> str:
        """The elements of a JSON array, in the inclination of the columns."""
        part = "e.value" if len(columns) == 1 else "json_extract(e.value, '$[{}]')"
        parts = [
            f"{self.cast(part.format(index), column.native)} AS marea_k{index}"
            for index, column in enumerate(columns)
        ]
        return f"(SELECT e.key AS marea_n, {', '.join(parts)} FROM json_each({placeholder}) AS e)"

    def looked_up(self, rows: str, keys: str, on: str) -> str:
        """CROSS JOIN keeps the order: SQLite takes a list for a million keys, and any filter for narrower."""
        return f"{keys} CROSS JOIN {rows} ON {on}"

    def leading_columns(self, table: str) -> Query:
        """From the pragmas, as a table: its key by rowid is no date."""
        return Query(
            "SELECT c.name AS column_name FROM pragma_index_list(?1) i JOIN pragma_index_info(i.name) c "
            "WHERE c.seqno = 0 AND NOT i.partial AND c.name IS NOT NULL",
            (table,),
        )

    def form(self, expression: str) -> str:
        """Numbers sort before texts, and texts letter by letter: a blank before a `T`, a `.` before a `Z`."""
        separator = f"substr({expression}, 11, 1)"
        time = f"CASE {separator} WHEN '' THEN 'a date alone' WHEN ' ' THEN 'a blank before the time' "
        time += "WHEN 'T' THEN 'a T before the time' ELSE 'another text' END"
        zone = f"CASE WHEN {expression} GLOB '*Z' THEN ' and a Z' "
        zone += f"WHEN {expression} GLOB '*:*[+-][0-9]*' THEN ' and an offset' ELSE '' END"
        dated = f"{expression} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
        return (
            f"CASE WHEN typeof({expression}) IN ('integer', 'real') THEN 'a number' "
            f"WHEN typeof({expression}) = 'text' AND {dated} THEN {time} || {zone} ELSE '{NO_DATE}' END"
        )

    def hashed(self, values: Sequence[tuple[str, str]], salt: int) -> str:
        """A function of ours, which is given texts as their bytes: they may be none in any encoding."""
        if len(values) > _MOST:
            head = self.hashed(values[:_MOST], salt)
            return self.hashed([(head, "INTEGER"), *values[_MOST:]], salt)
        return f"{HASH}({', '.join([str(salt), *(_bytes(expression) for expression, _ in values)])})"

    def hash_total(self, expression: str) -> str:
        """Of both halves apart."""
        high, low = f"sum({expression} / {_HALF})", f"sum({expression} % {_HALF})"
        return f"(({high} % {_HALF}) * {_HALF} + {low}) % {HASHES}"

    def limit(self, select: str, rows: int) -> str:
        """LIMIT at its end."""
        return f"{select} LIMIT {rows}"

    def native(self, type_: pa.DataType, *, key: bool) -> str:
        """A declared type from which the Arrow type is read again."""
        text = str(type_)
        if text.startswith("decimal"):
            kind = "DECIMAL" if type_.precision <= EXACT_DIGITS else "DECIMAL_TEXT"
            return f"{kind}({type_.precision},{type_.scale})"
        if text.startswith("timestamp"):
            return "TIMESTAMPTZ" if type_.tz else "TIMESTAMP"
        if text == "uint64":
            return "DECIMAL_TEXT(20,0)"
        if text not in _NATIVE:
            raise ValueError(f"SQLite has no type for {text}")
        return _NATIVE[text]


def affinity(native: str) -> str:
    """What a column of a declared type makes of its values; "" where it leaves them alone.

    These are SQLite's own rules, in its own order.
    """
    kind = native.upper()
    if "INT" in kind:
        return "INTEGER"
    if any(word in kind for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not kind or "BLOB" in kind:
        return ""
    return "REAL" if any(word in kind for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _bytes(expression: str) -> str:
    """A value as the function takes it: texts become bytes, and bytes a text that says so."""
    return (
        f"CASE typeof({expression}) WHEN 'text' THEN CAST({expression} AS BLOB) "
        f"WHEN 'blob' THEN quote({expression}) ELSE {expression} END"
    )
