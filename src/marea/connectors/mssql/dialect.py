"""Owns the SQL of SQL Server (2016 and later); never run against a server, only read by a parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.sql.dialect import HASHES, Dialect, Query

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column

_WORDS = re.compile(r"\s*(\w+)\s*(\([^)]*\))?\s*(?:COLLATE\s+(\w+))?", re.IGNORECASE)
_SELECT = re.compile(r"^(\s*SELECT(?:\s+DISTINCT)?)\b", re.IGNORECASE)
_WIDE = {
    "char": "varchar(8000)",
    "varchar": "varchar(8000)",
    "text": "varchar(max)",
    "nchar": "nvarchar(4000)",
    "nvarchar": "nvarchar(4000)",
    "sysname": "nvarchar(4000)",
    "ntext": "nvarchar(max)",
    "xml": "nvarchar(max)",
    "binary": "varbinary(8000)",
    "image": "varbinary(max)",
    "timestamp": "binary(8)",
    "rowversion": "binary(8)",
}
"""The type a value is cast to so that a longer one is not cut: it must equal no value of its column."""

_STYLES = {
    "datetime": 126,
    "smalldatetime": 126,
    "datetime2": 126,
    "time": 126,
    "datetimeoffset": 127,
    "date": 23,
    "float": 3,
    "real": 3,
    "money": 2,
    "smallmoney": 2,
}
"""CONVERT styles whose text names the value exactly."""

_HEXADECIMAL = frozenset({"timestamp", "rowversion", "binary", "varbinary"})
_KEY_LENGTH = 255
_ROUNDING = 1
"""Seconds the clock is held back: SYSDATETIME may be some milliseconds ahead of GETDATE."""


def parts(native: str) -> tuple[str, str, str]:
    """A type in the server's words as (word, size in parentheses, collation)."""
    match = _WORDS.match(native)
    return (match[1].lower(), match[2] or "", match[3] or "") if match else (native.lower(), "", "")


class MssqlDialect(Dialect):
    """SQL Server. Naive times are the server's local time, as GETDATE() and SYSDATETIME() write them.

    In the hour that happens twice local stamps go back; `lag: 1h` covers it.
    """

    name = "mssql"
    text_type = "nvarchar(max)"
    login = "QUOTENAME(CURRENT_USER)"

    def quote(self, name: str) -> str:
        """An identifier in brackets."""
        return "[" + name.replace("]", "]]") + "]"

    def placeholder(self, position: int) -> str:
        """Always ?: values are bound in their order."""
        return "?"

    def cast(self, expression: str, native: str) -> str:
        """The expression in a type that holds any value of the native one without cutting a longer one."""
        word, size, collation = parts(native)
        wide = f"{word}(max)" if size.lower() == "(max)" else _WIDE.get(word, word + size)
        suffix = f" COLLATE {collation}" if collation else ""
        return f"CAST({expression} AS {wide}){suffix}"

    def read(self, expression: str, column: Column) -> str:
        """Row versions and BINARY(n) in hexadecimal, times in microseconds, what Arrow lacks as text."""
        word, _, _ = parts(column.native)
        if word in _HEXADECIMAL and str(column.type) == "string":
            return self.stamp_out(expression, column.native)
        if word in ("uniqueidentifier", "sql_variant", "hierarchyid", "geography", "geometry"):
            return f"CAST({expression} AS nvarchar(4000))"
        if word == "datetimeoffset":
            return f"CAST(SWITCHOFFSET({expression}, '+00:00') AS datetime2(6))"
        if word in ("datetime2", "time"):
            return f"CAST({expression} AS {word}(6))"
        return expression

    def stamp_out(self, expression: str, native: str) -> str:
        """Times in ISO 8601 with every digit of their type, row versions as 0x0123456789ABCDEF."""
        word, _, _ = parts(native)
        if word in ("timestamp", "rowversion"):
            return f"CONVERT(varchar(18), CAST({expression} AS binary(8)), 1)"
        if word in _HEXADECIMAL:
            return f"CONVERT(varchar(8000), {expression}, 1)"
        if word in _STYLES:
            return f"CONVERT(varchar(33), {expression}, {_STYLES[word]})"
        return f"CONVERT(nvarchar(4000), {expression})"

    def stamp_in(self, placeholder: str, native: str) -> str:
        """The text in the stamp's very type: a `datetime` differs from the `datetime2` of the same digits."""
        word, size, _ = parts(native)
        if word in ("timestamp", "rowversion"):
            return f"CONVERT(binary(8), {placeholder}, 1)"
        if word in _HEXADECIMAL:
            return f"CONVERT(varbinary(8000), {placeholder}, 1)"
        if word in _STYLES:
            return f"CONVERT({word}{size}, {placeholder}, {_STYLES[word]})"
        return self.cast(placeholder, native)

    def moment(self, native: str, seconds: str) -> str | None:
        """The moment less one second, in the server's zone (`smalldatetime`: rounded down to the minute)."""
        word, size, _ = parts(native)
        day = f"DATEADD(day, ({seconds} - {_ROUNDING}) / 86400, CONVERT(datetime2(0), '1970-01-01', 126))"
        at = f"DATEADD(second, ({seconds} - {_ROUNDING}) % 86400, {day})"
        if word == "datetimeoffset":
            return f"CAST(TODATETIMEOFFSET({at}, 0) AS {word}{size})"
        if word not in ("datetime", "datetime2", "smalldatetime", "date"):
            return None
        local = f"DATEADD(minute, DATEDIFF(minute, SYSUTCDATETIME(), SYSDATETIME()), {at})"
        if word == "smalldatetime":
            local = f"DATEADD(minute, DATEDIFF(minute, '2000-01-01', {local}), '2000-01-01')"
        return f"CAST({local} AS {word}{size})"

    def now(self, native: str) -> str | None:
        """The server's time, in the type of the stamp."""
        word, size, _ = parts(native)
        if word == "datetimeoffset":
            return f"CAST(SYSDATETIMEOFFSET() AS {word}{size})"
        local = word in ("datetime", "datetime2", "smalldatetime", "date")
        return f"CAST(SYSDATETIME() AS {word}{size})" if local else None

    def ahead(self, native: str) -> str | None:
        """A minute from now, of the server's time and UTC the later."""
        word, size, _ = parts(native)
        if self.now(native) is None:
            return None
        if word == "datetimeoffset":
            return f"CAST(DATEADD(minute, 1, SYSDATETIMEOFFSET()) AS {word}{size})"
        later = "IIF(SYSDATETIME() > SYSUTCDATETIME(), SYSDATETIME(), SYSUTCDATETIME())"
        return f"CAST(DATEADD(minute, 1, {later}) AS {word}{size})"

    def key_value(self, value: object) -> str:
        """Truth values as 1 and 0, all else as text."""
        return str(int(value)) if isinstance(value, bool) else str(value)

    def key_in(self, placeholder: str, column: Column) -> str:
        """A key part in its column's type; bytes travel in hexadecimal."""
        if parts(column.native)[0] in _HEXADECIMAL:
            return self.stamp_in(placeholder, column.native)
        return self.cast(placeholder, column.native)

    def key_rows(self, placeholder: str, columns: Sequence[Column]) -> str:
        """OPENJSON over the list for its order, and over each key for its parts."""
        values = [
            f"{self.key_in(_json_part(index, len(columns)), column)} AS marea_k{index}"
            for index, column in enumerate(columns)
        ]
        rows = f"OPENJSON(CAST({placeholder} AS nvarchar(max))) AS j"
        return f"(SELECT CAST(j.[key] AS int) AS marea_n, {', '.join(values)} FROM {rows})"

    def leading_columns(self, table: str) -> Query:
        """From the catalog views; a filtered index serves a part of the rows."""
        return Query(
            "SELECT c.name AS column_name FROM sys.indexes AS i JOIN sys.index_columns AS k "
            "ON k.object_id = i.object_id AND k.index_id = i.index_id JOIN sys.columns AS c "
            "ON c.object_id = k.object_id AND c.column_id = k.column_id "
            "WHERE i.object_id = OBJECT_ID(?) AND k.key_ordinal = 1 AND i.has_filter = 0",
            (self.table(table),),
        )

    def hashed(self, values: Sequence[tuple[str, str]], salt: int) -> str:
        """MD5 of the values as texts, each behind its length; NULL has none."""
        named = [_with_length(expression, self._exactly(expression, native)) for expression, native in values]
        text = " + ".join([f"CAST(N'{salt}' AS nvarchar(max))", *named])
        return f"(CAST(SUBSTRING(HASHBYTES('MD5', {text}), 1, 8) AS bigint) & {HASHES - 1})"

    def _exactly(self, expression: str, native: str) -> str:
        """A value as the text that names it exactly, of any length."""
        word, size, _ = parts(native)
        if word in ("varbinary", "image") and size.lower() in ("(max)", ""):
            return f"CONVERT(varchar(max), CAST({expression} AS varbinary(max)), 1)"
        if word in _STYLES or word in _HEXADECIMAL:
            return self.stamp_out(expression, native)
        return f"CAST({expression} AS nvarchar(max))"

    def hash_total(self, expression: str) -> str:
        """As decimals: a sum of `bigint` overflows."""
        return f"CAST(SUM(CAST({expression} AS decimal(38,0))) % {HASHES} AS bigint)"

    def limit(self, select: str, rows: int) -> str:
        """TOP, behind SELECT or SELECT DISTINCT."""
        return _SELECT.sub(rf"\1 TOP ({rows})", select, count=1)

    def native(self, type_: pa.DataType, *, key: bool) -> str:
        """Types that hold every value unchanged; texts compare byte by byte, but for blanks at the end."""
        import pyarrow as pa

        checks = pa.types
        if checks.is_string(type_) or checks.is_large_string(type_):
            return f"nvarchar({_KEY_LENGTH if key else 'max'}) COLLATE Latin1_General_100_BIN2"
        if checks.is_binary(type_) or checks.is_large_binary(type_):
            return f"varbinary({_KEY_LENGTH if key else 'max'})"
        if checks.is_decimal128(type_):
            return f"decimal({type_.precision},{type_.scale})"
        if checks.is_timestamp(type_):
            return "datetimeoffset(6)" if type_.tz else "datetime2(6)"
        if checks.is_date(type_):
            return "date"
        if checks.is_time(type_):
            return "time(6)"
        if str(type_) in _PLAIN:
            return _PLAIN[str(type_)]
        raise ValueError(f"SQL Server has no column type for {type_}")


_PLAIN = {
    "bool": "bit",
    "int8": "smallint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "tinyint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "decimal(20,0)",
    "float": "real",
    "double": "float(53)",
}


def _with_length(expression: str, text: str) -> str:
    length = f"CAST(DATALENGTH({text}) AS nvarchar(20))"
    return f"CASE WHEN {expression} IS NULL THEN N'-' ELSE {length} + N':' + {text} END"


def _json_part(index: int, count: int) -> str:
    """One part of a key in a row of OPENJSON; a single key is the row's own value."""
    return "j.[value]" if count == 1 else f"JSON_VALUE(j.[value], '$[{index}]')"
