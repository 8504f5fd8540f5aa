"""Owns the SQL of PostgreSQL: quoting, casts, stamps and clocks, key lists, types of made columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.sql.dialect import HASHES, Dialect, Query

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column

_MODIFIER = re.compile(r"\s*\(\s*\d+(\s*,\s*-?\d+)?\s*\)")

_PLAIN = frozenset(
    {
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "real",
        "double precision",
        "text",
        "character varying",
        "bytea",
        "date",
        "time without time zone",
        "timestamp without time zone",
        "timestamp with time zone",
        "numeric",
    }
)
"""Types whose values ADBC hands over as they are; all others are read as their text."""

_HASHED_EXACTLY = frozenset({"boolean", "smallint", "integer", "date", "bytea"})
"""Types whose own hash tells all of their values apart."""

_TEXTS = frozenset({"text", "character varying"})

_SENT = {
    "bigint": "int8send",
    "real": "float4send",
    "double precision": "float8send",
    "numeric": "numeric_send",
    "time without time zone": "time_send",
    "timestamp without time zone": "timestamp_send",
    "timestamp with time zone": "timestamptz_send",
}
"""Types whose own hash folds, or takes 1.10 for 1.1 and -5 for 5 -> what gives a value's bytes."""

_NATIVE = {
    "bool": "boolean",
    "int8": "smallint",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "integer",
    "uint32": "bigint",
    "uint64": "numeric(20,0)",
    "float": "real",
    "double": "double precision",
    "string": "text",
    "large_string": "text",
    "binary": "bytea",
    "large_binary": "bytea",
    "date32[day]": "date",
    "time64[us]": "time without time zone",
    "time64[ns]": "time without time zone",
}

# The zone the server stamps its rows in: our own session reads in UTC, and SET does not change what a
# session would be reset to.
_SERVER_ZONE = "(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone')"


class PostgresqlDialect(Dialect):
    """PostgreSQL 12 and later.

    Columns without a zone are taken to hold the time of `zone`, by default the server's own; no
    moment is past the same time in UTC then, which some programs write wherever the server is.
    """

    name = "postgresql"
    text_type = "text"
    login = "pg_catalog.quote_ident(current_user)"

    unnoted = ("rows that logical replication or a loader with session_replication_role writes",)

    def __init__(self, zone: str | None = None) -> None:
        self._zone = _SERVER_ZONE if zone is None else "'" + zone.replace("'", "''") + "'"
        self._known = zone is not None

    def quote(self, name: str) -> str:
        """Double quotes, doubled inside."""
        return '"' + name.replace('"', '""') + '"'

    def placeholder(self, position: int) -> str:
        """A dollar sign and the number."""
        return f"${position}"

    def cast(self, expression: str, native: str) -> str:
        """A cast to the type without its length: with it, a longer value would be cut to fit unnoticed."""
        return f"CAST({expression} AS {base(native)})"

    def read(self, expression: str, column: Column) -> str:
        """As it is where ADBC has the type, else as text; numbers beyond 38 digits as text too."""
        plain = base(column.native) in _PLAIN
        return expression if plain else f"CAST({expression} AS text)"

    def stamp_out(self, expression: str, native: str) -> str:
        """Its text, in the UTC and ISO of our sessions."""
        return f"CAST({expression} AS text)"

    def moment(self, native: str, seconds: str) -> str | None:
        """The moment in the type and zone of the stamp."""
        moment = f"to_timestamp({seconds})"
        local = self._earliest(moment)
        kind = base(native)
        if kind == "timestamp with time zone":
            return moment
        if kind == "timestamp without time zone":
            # In the hour before clocks are set back local time is about to repeat: stay behind it.
            ahead = self._earliest(f"({moment} + interval '1 hour')")
            return f"LEAST({local}, {ahead} - interval '1 hour')"
        return f"CAST({local} AS date)" if kind == "date" else None

    def _earliest(self, moment: str) -> str:
        local = f"({moment} AT TIME ZONE {self._zone})"
        return local if self._known else f"LEAST({local}, ({moment} AT TIME ZONE 'UTC'))"

    def now(self, native: str) -> str | None:
        """The start of our transaction, fractions and all."""
        local = f"(now() AT TIME ZONE {self._zone})"
        times = {
            "timestamp with time zone": "now()",
            "timestamp without time zone": local,
            "date": f"CAST({local} AS date)",
        }
        return times.get(base(native))

    def ahead(self, native: str) -> str | None:
        """A minute from now, of the server's time and UTC the later where it is not known which is meant."""
        soon = "(now() + interval '1 minute')"
        local = f"({soon} AT TIME ZONE {self._zone})"
        latest = local if self._known else f"GREATEST({local}, ({soon} AT TIME ZONE 'UTC'))"
        times = {
            "timestamp with time zone": soon,
            "timestamp without time zone": latest,
            "date": f"CAST({latest} AS date)",
        }
        return times.get(base(native))

    def transactions(self) -> Query | None:
        """From the snapshot; a cluster has a number of its own, and a new timeline when it was put back.

        The list of who is open within the snapshot does not help: it leaves out the numbers that
        subtransactions (savepoints) write their rows under, which come after that of their transaction.
        """
        return Query(
            "SELECT pg_catalog.txid_snapshot_xmin(s.now) AS oldest, "
            "pg_catalog.txid_snapshot_xmax(s.now) AS next, "
            "pg_catalog.concat(c.system_identifier, '/', k.timeline_id) AS server "
            "FROM (SELECT pg_catalog.txid_current_snapshot() AS now) s, pg_catalog.pg_control_system() c, "
            "pg_catalog.pg_control_checkpoint() k"
        )

    def transaction(self, row: str, next_: int) -> str | None:
        """The 32 bits that a row keeps of it, as the latest number before `next_` that ends in them.

        A frozen row keeps its own. One older than 2^32 transactions looks newer than it is, never older:
        it is read once more.
        """
        return f"({next_} - (({next_} - CAST(CAST({row}.xmin AS text) AS bigint)) & 4294967295))"

    def key_rows(self, placeholder: str, columns: Sequence[Column]) -> str:
        """The elements of a JSON array, cast to the columns' types; its numbers keep all their digits."""
        part = "e.key #>> '{{}}'" if len(columns) == 1 else "e.key ->> {}"
        parts = [
            f"{self.cast(part.format(index), column.native)} AS marea_k{index}"
            for index, column in enumerate(columns)
        ]
        return (
            f"(SELECT e.place - 1 AS marea_n, {', '.join(parts)} "
            f"FROM json_array_elements(CAST({placeholder} AS json)) WITH ORDINALITY AS e(key, place))"
        )

    def leading_columns(self, table: str) -> Query:
        """From the catalogs; indexes of a part of the rows, or that are still being built, serve nothing."""
        return Query(
            "SELECT a.attname AS column_name FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a "
            "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
            "WHERE i.indrelid = CAST($1 AS regclass) AND i.indpred IS NULL AND i.indisvalid",
            (self.table(table),),
        )

    def hashed(self, values: Sequence[tuple[str, str]], salt: int) -> str:
        """The hash of a row (version 14), hashed once more.

        It is a sum over the columns: a swap of values between two rows would leave their total as it was,
        and NULL takes no salt.
        """
        row = ", ".join(_bytes(expression, native) for expression, native in values)
        once = f"hash_record_extended(ROW({row}), 0)"
        return f"(hash_record_extended(ROW(int8send({once})), {salt}) & {HASHES - 1})"

    def hash_total(self, expression: str) -> str:
        """A sum of `bigint` is a `numeric`."""
        return f"CAST(sum({expression}) % {HASHES} AS bigint)"

    def limit(self, select: str, rows: int) -> str:
        """LIMIT at its end."""
        return f"{select} LIMIT {rows}"

    def native(self, type_: pa.DataType, *, key: bool) -> str:
        """The narrowest type that holds every value of the Arrow type exactly; text keys can be indexed."""
        text = str(type_)
        if text.startswith("decimal"):
            return f"numeric({type_.precision},{type_.scale})"
        if text.startswith("timestamp"):
            return "timestamp with time zone" if type_.tz else "timestamp without time zone"
        if text not in _NATIVE:
            raise ValueError(f"PostgreSQL has no type for {text}")
        return _NATIVE[text]


def base(native: str) -> str:
    """A type without its length or precision; `character` becomes the type that is not cut to one letter."""
    bare = _MODIFIER.sub("", native)
    return "bpchar" if bare == "character" else bare


def _bytes(expression: str, native: str) -> str:
    """A value in a type whose hash is that of its bytes; collations may take texts for equal that differ."""
    kind = base(native)
    if kind in _HASHED_EXACTLY:
        return expression
    if kind in _SENT:
        return f"{_SENT[kind]}({expression})"
    return f'{expression if kind in _TEXTS else f"CAST({expression} AS text)"} COLLATE "C"'
