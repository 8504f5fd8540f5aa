"""Owns asking MariaDB and MySQL what their login lacks for captures, and the statement that grants it."""

from __future__ import annotations

from collections.abc import Sequence

from marea.capabilities import Right
from marea.connectors.mysql.catalogue import locate, login
from marea.connectors.mysql.link import Link
from marea.connectors.mysql.triggers import RIGHTS

# The views show what was granted to the login itself and to its roles that are active.
_GLOBAL = "SELECT privilege_type FROM information_schema.user_privileges"
_SCHEMA = "SELECT privilege_type FROM information_schema.schema_privileges WHERE %s LIKE table_schema"
_TABLE = """
SELECT privilege_type FROM information_schema.table_privileges WHERE table_schema = %s AND table_name = %s
"""
_MAKING = [right for right in RIGHTS.split(", ") if right not in ("TRIGGER", "SELECT")]
_LOG = "SELECT @@log_bin, @@binlog_format, @@binlog_row_image, @@binlog_row_metadata"


def rights(link: Link, tables: Sequence[str]) -> list[Right]:
    """What the login lacks for captures that take more than reading tables. Raises SystemUnreachable."""
    who = login(link)
    everywhere = _privileges(link, _GLOBAL)
    found = []
    if "PROCESS" not in everywhere:
        lacks = "it sees no open transaction but its own: what commits late may be missed"
        found.append(Right("watermark", lacks, f"GRANT PROCESS ON *.* TO {who}"))
    schema = link.login.address.database
    given = everywhere | _privileges(link, _SCHEMA, (schema,))
    if missing := ", ".join(right for right in _MAKING if right not in given):
        lacks = f"it may not make the table and the procedure that triggers need in {schema}"
        found.append(Right("trigger", lacks, f"GRANT {missing} ON `{schema}`.* TO {who}", making=True))
    found += [right for table in tables for right in _on_table(link, table, everywhere, who)]
    if "REPLICATION SLAVE" not in everywhere:
        found.append(Right("log", "it may not read the log", f"GRANT REPLICATION SLAVE ON *.* TO {who}"))
    return [*found, *_of_log(link)]


def _on_table(link: Link, table: str, everywhere: set[str], who: str) -> list[Right]:
    place = locate(link, table)
    if place is None:
        return []
    given = everywhere | _privileges(link, _SCHEMA, place[:1]) | _privileges(link, _TABLE, place)
    name = f"`{place[0]}`.`{place[1]}`"
    lacks = f"it may not make triggers on {table}"
    return (
        []
        if "TRIGGER" in given
        else [Right("trigger", lacks, f"GRANT TRIGGER ON {name} TO {who}", making=True)]
    )


def _of_log(link: Link) -> list[Right]:
    """What of the log is not as a reader needs it."""
    on, form, image, metadata = link.rows(_LOG)[0]
    settings = {
        "log_bin": (str(on) in ("1", "ON"), "log-bin"),
        "binlog_format": (str(form) == "ROW", "binlog-format = ROW"),
        "binlog_row_image": (str(image) == "FULL", "binlog-row-image = FULL"),
        "binlog_row_metadata": (str(metadata) == "FULL", "binlog-row-metadata = FULL"),
    }
    return [
        Right("log", f"{name} is not as it must be", f"write {setting} into its file; then restart it")
        for name, (right, setting) in settings.items()
        if not right
    ]


def _privileges(link: Link, query: str, values: tuple[str, ...] = ()) -> set[str]:
    return {str(row[0]) for row in link.rows(query, values)}
