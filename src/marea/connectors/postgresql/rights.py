"""Owns asking PostgreSQL which captures its login may use, and the statement that grants what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marea.capabilities import Right
from marea.connectors.postgresql.binding import literal
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.connectors.postgresql.link import Link

_SERVER = """
SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS stats,
    u.rolsuper OR u.rolreplication AS replication, pg_catalog.current_setting('wal_level') AS wal,
    pg_catalog.quote_ident(current_user) AS login, pg_catalog.quote_ident(current_schema()) AS place,
    pg_catalog.has_schema_privilege(current_schema(), 'CREATE') AS creates
FROM pg_catalog.pg_roles u WHERE u.rolname = current_user
"""


_PUBLISHES = """
SELECT pg_catalog.pg_has_role(relowner, 'USAGE')
    AND pg_catalog.has_database_privilege(current_database(), 'CREATE') AS may
FROM pg_catalog.pg_class WHERE oid = CAST({table} AS regclass)
"""

BY_OWNER = "have them run what `marea capture install --sql` prints"


def rights(link: Link, dialect: PostgresqlDialect, tables: Sequence[str]) -> list[Right]:
    """What the login lacks for captures that take more than reading tables. Raises SystemUnreachable."""
    server = link.run(_SERVER).to_pylist()[0]
    login = server["login"]
    found = []
    if not server["stats"]:
        lacks = (
            "of a transaction of another login it sees that it is open, not since when: what that may still "
            "change is read from the run before it began"
        )
        found.append(Right("watermark", lacks, f"GRANT pg_read_all_stats TO {login}"))
    if not server["creates"]:
        place = server["place"]
        lacks = f"it may not make a table in schema {place}"
        found.append(Right("trigger", lacks, f"GRANT CREATE ON SCHEMA {place} TO {login}", making=True))
    for table in _untriggered(link, dialect, tables):
        lacks = f"it may not make triggers on {table}"
        found.append(Right("trigger", lacks, f"GRANT TRIGGER ON {table} TO {login}", making=True))
    if others := list(_of_others(link, dialect, tables)):
        lacks = (
            f"a publication of {', '.join(others)} is made by who owns them and may create in the database"
        )
        found.append(Right("log", lacks, BY_OWNER, making=True))
    if not server["replication"]:
        lacks = "it may not read the log"
        found.append(Right("log", lacks, f"ALTER ROLE {login} REPLICATION"))
    if server["wal"] != "logical":
        lacks = f"wal_level is {server['wal']}: the log does not say which rows changed"
        found.append(Right("log", lacks, "ALTER SYSTEM SET wal_level = logical; then restart the server"))
    return found


def _of_others(link: Link, dialect: PostgresqlDialect, tables: Sequence[str]) -> Iterator[str]:
    """The tables that the login cannot publish."""
    for table in tables:
        name = dialect.table(table)
        asked = _PUBLISHES.format(table=literal(name))
        if not link.run(asked).to_pylist()[0]["may"]:
            yield name


def _untriggered(link: Link, dialect: PostgresqlDialect, tables: Sequence[str]) -> Iterator[str]:
    for table in tables:
        name = dialect.table(table)
        asked = f"SELECT pg_catalog.has_table_privilege(CAST({literal(name)} AS regclass), 'TRIGGER') AS may"
        if not link.run(asked).to_pylist()[0]["may"]:
            yield name
