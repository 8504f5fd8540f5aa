"""Owns the demo's ERP: a database with Mago4's tables, and the edits that people make in it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import apsw

from marea.demo.rows import Size, tables

Value = str | int | float | None

NOW = "CURRENT_TIMESTAMP"
"""What the ERP's programs write into TBModified; a raw UPDATE does not."""


class Erp:
    """An open ERP database; every method is one transaction."""

    def __init__(self, path: Path) -> None:
        self._db = apsw.Connection(str(path))
        self._db.set_busy_timeout(10_000)

    @classmethod
    def create(cls, path: Path, size: Size) -> Erp:
        """A new ERP of that size; the same size gives the same rows."""
        erp = cls(path)
        erp._db.pragma("journal_mode", "wal")
        script = resources.files("marea.demo").joinpath("data", "erp.sql").read_text("utf-8")
        with erp._db:
            erp._db.execute(script)
            for table, rows in tables(size):
                for shape in dict.fromkeys(tuple(row) for row in rows):
                    marks = ", ".join(f":{name}" for name in shape)
                    insert = f"INSERT INTO {table} ({', '.join(shape)}) VALUES ({marks})"
                    erp._db.executemany(insert, (row for row in rows if tuple(row) == shape))
        erp._db.pragma("wal_checkpoint(truncate)")
        return erp

    def execute(self, sql: str, values: Mapping[str, Value] | None = None) -> int:
        """Carry out one statement; gives the rows it changed."""
        with self._db:
            self._db.execute(sql, values or {})
        return self._db.changes()

    def rows(self, sql: str, values: Mapping[str, Value] | None = None) -> list[dict[str, Value]]:
        """The rows of a query, by column name."""
        cursor = self._db.execute(sql, values or {})
        first = next(cursor, None)
        if first is None:  # and no description is left to ask for
            return []
        names = [name for name, *_ in cursor.get_description()]
        return [dict(zip(names, row, strict=True)) for row in (first, *cursor)]

    def count(self, sql: str) -> int:
        """The number that a query for one number gives."""
        return int(self._db.execute(sql).get or 0)

    def close(self) -> None:
        """Close the database. Repeatable."""
        self._db.close()
