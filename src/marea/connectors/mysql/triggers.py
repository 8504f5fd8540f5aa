"""Owns the change table and the triggers of MariaDB and MySQL.

A login sees only triggers of tables on which it might make some. So a function of whoever installed
them tells which are there, and the login of Marea may call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marea.capabilities import Watched
from marea.connectors.mysql.dialect import MysqlDialect
from marea.connectors.mysql.types import TEXTS, Native
from marea.connectors.triggers import Made, RowTriggers
from marea.sql.dialect import Query
from marea.sql.noted import CHANGES

TELLING = "marea_triggers"
"""The function that tells which triggers of ours are there."""

RIGHTS = "CREATE, DROP, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, SELECT, INSERT, DELETE"
"""What lets a login install."""
ELSEWHERE = ("the table is in another database than the url names", "give that a system of its own")
"""Why a table cannot be watched, and what instead."""
IS_VIEW = "SELECT 1 FROM information_schema.views WHERE table_schema = %s AND table_name = %s"
GRANTED = """
SELECT COUNT(DISTINCT p.privilege_type) FROM (
  SELECT grantee, privilege_type FROM information_schema.user_privileges
  UNION ALL SELECT grantee, privilege_type FROM information_schema.schema_privileges WHERE table_schema = %s
  UNION ALL SELECT grantee, privilege_type FROM information_schema.table_privileges
  WHERE table_schema = %s AND table_name = %s) AS p
WHERE p.grantee = %s AND p.privilege_type IN ('SELECT', 'DELETE')"""
"""How many of the two rights a login has on the change table."""

_NO_TABLE = 1146


class MysqlTriggers(RowTriggers):
    """One change table in the database, and a function beside it."""

    knows_rights = False

    def __init__(self, dialect: MysqlDialect, database: str, login: str, *, granted: bool) -> None:
        """`login` as a GRANT takes it; `granted`: it may read and delete there."""
        super().__init__(dialect)
        self._database = database
        self._login = login
        self._granted = granted

    def changes(self) -> str:
        """In the database of the url."""
        return self._quoted(CHANGES)

    def made(self) -> Query:
        """By the function; a trigger that was made anew has another moment."""
        columns = ", ".join(f"{name} VARCHAR(255) PATH '$.{name}'" for name in ("name", "mark", "place"))
        return Query(
            f"SELECT j.name, j.mark, j.place FROM JSON_TABLE({self._quoted(TELLING)}(), "
            f"'$[*]' COLUMNS ({columns})) AS j"
        )

    def making_table(self) -> list[str]:
        """The table, and the function that tells of the triggers."""
        text = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        columns = (
            f"id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, entity VARCHAR(255) {text} NOT NULL, "
            f"path VARCHAR(255) {text} NOT NULL, noted TEXT {text}, "
            "at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)"
        )
        telling = f"{self._quoted(TELLING)}() RETURNS LONGTEXT CHARACTER SET utf8mb4"
        rights = "READS SQL DATA SQL SECURITY DEFINER"
        return [
            f"CREATE TABLE IF NOT EXISTS {self.changes()} ({columns}) ENGINE = InnoDB",
            f"DROP FUNCTION IF EXISTS {self._quoted(TELLING)}",
            f"CREATE FUNCTION {telling} {rights} RETURN (SELECT {self._told()})",
        ]

    def dropping_table(self) -> list[str]:
        """The table and the function."""
        return [
            f"DROP FUNCTION IF EXISTS {self._quoted(TELLING)}",
            f"DROP TABLE IF EXISTS {self.changes()}",
        ]

    def granting(self) -> list[str]:
        """What the login of Marea needs of both."""
        if self._granted:
            return []
        return [
            f"GRANT SELECT, DELETE ON {self.changes()} TO {self._login}",
            f"GRANT EXECUTE ON FUNCTION {self._quoted(TELLING)} TO {self._login}",
        ]

    def dropping(self, names: Iterable[str], made: Mapping[str, Made]) -> list[str]:
        """One statement a trigger."""
        return [f"DROP TRIGGER IF EXISTS {self._quoted(name)}" for name in names]

    def text(self, value: str) -> str:
        """A text as a literal, in which a backslash has a meaning."""
        return super().text(value.replace("\\", "\\\\"))

    def _trigger(self, table: Watched, name: str, event: str, writes: str) -> str:
        # A statement of the ERP must not fail for us: that the table is gone is told by the next run.
        handlers = (
            f"DECLARE CONTINUE HANDLER FOR {_NO_TABLE} BEGIN END; "
            f"DECLARE CONTINUE HANDLER FOR SQLEXCEPTION {self.noting_all(table.entity)};"
        )
        return (
            f"CREATE TRIGGER IF NOT EXISTS {self._quoted(name)} AFTER {event} "
            f"ON {self._quoted(table.table.name)} FOR EACH ROW BEGIN {handlers} {writes} END"
        )

    def _noting(self, values: str, condition: str) -> str:
        insert = f"INSERT INTO {self.changes()} (entity, path, noted) VALUES ({values})"
        return f"IF {condition} THEN {insert}; END IF;"

    def _moved(self, old: str, new: str) -> str:
        return f"NOT (CAST({old} AS BINARY) <=> CAST({new} AS BINARY))"

    def _values(self, table: Watched, row: str) -> str:
        """The values that lead to the record, as our sessions read them."""
        parts = []
        for column in table.columns:
            name = f"{row}.{self.dialect.quote(column.name)}"
            kind = Native.parse(column.native).word
            if kind in TEXTS:
                parts.append(f"CONVERT({name} USING utf8mb4)")
            elif kind == "timestamp":
                parts.append(f"CONVERT_TZ({name}, @@session.time_zone, '+00:00')")
            else:
                parts.append(self.dialect.read(name, column))
        array = f"JSON_ARRAY({', '.join(parts)})"
        return array if len(parts) > 1 else f"JSON_EXTRACT({array}, '$[0]')"

    def _told(self) -> str:
        """What the function gives: a JSON array of what is there of ours, the change table among it."""
        database = self.text(self._database)
        triggers = (
            "SELECT trigger_name AS name, created AS mark, event_object_table AS place "
            f"FROM information_schema.triggers WHERE trigger_schema = {database} "
            "AND LEFT(trigger_name, 6) = 'marea_'"
        )
        tables = (
            f"SELECT table_name, create_time, '' FROM information_schema.tables "
            f"WHERE table_schema = {database} AND table_name = {self.text(CHANGES)}"
        )
        pairs = ", ".join(f"'{name}', CAST(t.{name} AS CHAR)" for name in ("name", "mark", "place"))
        return f"JSON_ARRAYAGG(JSON_OBJECT({pairs})) FROM ({triggers} UNION ALL {tables}) t"

    def _quoted(self, name: str) -> str:
        return f"{self.dialect.quote(self._database)}.{self.dialect.quote(name)}"
