"""Owns the SQL of MariaDB (10.6 and later) and MySQL (8.0.17 and later)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.connectors.mysql.types import BYTES, INSTANTS, SHAPES, TEXTS, Native, castable, created, json_type
from marea.errors import ConfigurationError
from marea.sql.dialect import HASHES, Dialect, Query

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column


class MysqlDialect(Dialect):
    """MariaDB and MySQL.

    The texts count on a session whose zone is +00:00, so that TIMESTAMP columns read as UTC.
    DATETIME columns have no zone: they are taken to hold the time of `zone`, by default the
    server's own (`@@global.time_zone`); no moment is past the same time in UTC then, which some
    programs write wherever the server is.
    """

    name = "mysql"
    text_type = "CHAR"
    login = (
        "CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', "
        "QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))"
    )

    unlogged = (
        "rows that a cascading foreign key deletes or changes",
        "what a session writes with sql_log_bin = 0",
    )
    unnoted = (
        "rows that the database itself deletes or changes by a cascading foreign key",
        "TRUNCATE, and partitions that are dropped, emptied or exchanged",
    )

    def __init__(self, zone: str | None = None) -> None:
        self._zone = "@@global.time_zone" if zone is None else "'" + zone.replace("'", "''") + "'"
        self._known = zone is not None

    def quote(self, name: str) -> str:
        """An identifier in backticks."""
        return "`" + name.replace("`", "``") + "`"

    def placeholder(self, position: int) -> str:
        """Always %s: values are bound in their order."""
        return "%s"

    def escape(self, text: str) -> str:
        """The text with every percent sign doubled: the driver formats a statement like Python does."""
        return text.replace("%", "%%")

    def cast(self, expression: str, native: str) -> str:
        """The expression in the nearest type that CAST knows, never cut to a length.

        A text that is too long for its column must equal no value of it, so it is not cut.
        """
        kind = Native.parse(native)
        collation = kind.collation if kind.word in TEXTS else ""
        return f"CAST({expression} AS {castable(kind) or native}){collation}"

    def read(self, expression: str, column: Column) -> str:
        """FLOAT in all its digits, BIT as a number, BINARY(n) in hexadecimal, shapes as text."""
        kind = Native.parse(column.native).word
        if kind == "float":
            return f"({expression} + 0E0)"
        if kind == "bit":
            return f"({expression} + 0)"
        if kind in SHAPES:
            return f"ST_AsText({expression})"
        if kind in BYTES and str(column.type) == "string":
            return f"HEX({expression})"
        return expression

    def stamp_out(self, expression: str, native: str) -> str:
        """A time as `2024-01-31 23:59:59.123456` with the digits its column has, a number as written."""
        kind = Native.parse(native).word
        if kind in BYTES:
            return f"HEX({expression})"
        if kind == "float":
            return f"CAST(({expression} + 0E0) AS CHAR)"
        if kind == "bit":
            return f"CAST(({expression} + 0) AS CHAR)"
        return f"CAST({expression} AS CHAR)"

    def stamp_in(self, placeholder: str, native: str) -> str:
        """The stamp's text in its own type, at full precision."""
        if Native.parse(native).word in BYTES:
            return f"UNHEX({placeholder})"
        return self.cast(placeholder, native)

    def moment(self, native: str, seconds: str) -> str | None:
        """The moment in the zone of the stamp.

        Before the hour that happens twice the time of `zone` is taken an hour back, so that
        it stays behind what is written after the clocks were set back.
        """
        kind = Native.parse(native).word
        if kind not in INSTANTS and kind != "date":
            return None
        at = f"TIMESTAMP'1970-01-01 00:00:00' + INTERVAL {seconds} SECOND"
        if kind != "timestamp":
            later = f"({self._local(f'{at} + INTERVAL 1 HOUR')} - INTERVAL 1 HOUR)"
            earliest = [self._local(at), later] if self._known else [self._local(at), later, at]
            at = f"LEAST({', '.join(earliest)})"
        return f"CAST({at} AS {'DATE' if kind == 'date' else 'DATETIME'})"

    def now(self, native: str) -> str | None:
        """The time with its fractions, in the zone of the type; the column keeps what it can."""
        kind = Native.parse(native).word
        if kind not in INSTANTS and kind != "date":
            return None
        now = "UTC_TIMESTAMP(6)"
        return now if kind == "timestamp" else self._local(now)

    def ahead(self, native: str) -> str | None:
        """A minute from now, of the zone's time and UTC the later."""
        now = self.now(native)
        return now and f"(GREATEST({now}, UTC_TIMESTAMP(6)) + INTERVAL 1 MINUTE)"

    def _local(self, instant: str) -> str:
        return f"CONVERT_TZ({instant}, '+00:00', {self._zone})"

    def key_value(self, value: object) -> str:
        """Truth values as 1 and 0, all else as text."""
        return str(int(value)) if isinstance(value, bool) else str(value)

    def key_in(self, placeholder: str, column: Column) -> str:
        """A key part in its column's type; BINARY(n) travels in hexadecimal."""
        if _key_kind(column).word in BYTES:
            return f"UNHEX({placeholder})"
        return self.cast(placeholder, column.native)

    def key_rows(self, placeholder: str, columns: Sequence[Column]) -> str:
        """JSON_TABLE with the columns' own character sets and collations.

        Texts and numbers are made wider than their columns: the server cuts what is too
        long for the type without a word, and would then find another record.
        """
        kinds = [_key_kind(column) for column in columns]
        single = len(kinds) == 1
        typed = [
            f"k{index} {json_type(kind)} PATH '{'$' if single else f'$[{index}]'}'"
            for index, kind in enumerate(kinds)
        ]
        values = [
            f"UNHEX(j.k{index}) AS marea_k{index}" if kind.word in BYTES else f"j.k{index} AS marea_k{index}"
            for index, kind in enumerate(kinds)
        ]
        rows = f"JSON_TABLE({placeholder}, '$[*]' COLUMNS (n FOR ORDINALITY, {', '.join(typed)}))"
        return f"(SELECT j.n - 1 AS marea_n, {', '.join(values)} FROM {rows} AS j)"

    def leading_columns(self, table: str) -> Query:
        """From the information schema."""
        schema, _, name = table.rpartition(".")
        return Query(
            "SELECT column_name AS column_name FROM information_schema.statistics WHERE table_name = %s "
            "AND table_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND seq_in_index = 1 "
            "AND column_name IS NOT NULL",
            (name, schema),
        )

    def hashed(self, values: Sequence[tuple[str, str]], salt: int) -> str:
        """MD5 of the values in quotes, which no value can leave, parted by commas; NULL has none."""
        quoted = [f"QUOTE({self._bytes(expression, native)})" for expression, native in values]
        digits = f"LEFT(MD5(CONCAT_WS(',', {', '.join([str(salt), *quoted])})), 13)"
        return f"CAST(CONV({digits}, 16, 10) AS SIGNED)"

    def _bytes(self, expression: str, native: str) -> str:
        """A value as the text that names it exactly, in one character set."""
        kind = Native.parse(native).word
        if kind in BYTES or kind in SHAPES:
            return f"HEX({expression})"
        if kind == "float":
            return f"({expression} + 0E0)"
        if kind == "bit":
            return f"({expression} + 0)"
        return f"CONVERT({expression} USING utf8mb4)" if kind in TEXTS else f"CAST({expression} AS CHAR)"

    def hash_total(self, expression: str) -> str:
        """A sum of integers is a decimal."""
        return f"CAST(SUM({expression}) % {HASHES} AS SIGNED)"

    def limit(self, select: str, rows: int) -> str:
        """LIMIT."""
        return f"{select} LIMIT {rows}"

    def native(self, type_: pa.DataType, *, key: bool) -> str:
        """Types that hold every value unchanged; texts compare byte by byte, blanks included."""
        return created(type_, key=key)


def _key_kind(column: Column) -> Native:
    """The type of a key column. Raises ConfigurationError for bytes, which JSON has no form for."""
    kind = Native.parse(column.native)
    if kind.word in BYTES and kind.word != "binary":
        raise ConfigurationError.single(
            f'column "{column.name}" is {column.native}: bytes cannot be a key',
            hint="choose another key column; BINARY(n) can be one",
        )
    return kind
