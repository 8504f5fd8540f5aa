"""Owns SQL by other means than Marea: what tests set up, and look at, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit


def run_sql(url: str, text: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Runs SQL, several statements if need be, in one transaction; gives the rows of the last one.

    Placeholders are the driver's own: %s for PostgreSQL and MariaDB, ? for SQLite. `sqlite:///…`,
    `postgresql://…` and `mariadb://…` are understood.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return _run_sqlite(url, text, parameters)
    if scheme == "postgresql":
        return _run_postgresql(url, text, parameters)
    return _run_mariadb(url, text, parameters)


def _run_sqlite(url: str, text: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
    import apsw

    connection = apsw.Connection(url.removeprefix("sqlite:///"))
    try:
        connection.set_busy_timeout(5000)
        with connection:
            return list(connection.execute(text, parameters))  # type: ignore[arg-type]
    finally:
        connection.close()


def _run_postgresql(url: str, text: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
    import psycopg

    alone = text.lstrip().upper().startswith(("CREATE DATABASE", "DROP DATABASE", "VACUUM", "ALTER SYSTEM"))
    with psycopg.connect(url, autocommit=alone, connect_timeout=10) as connection:
        cursor = connection.execute(text, parameters or None)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def _run_mariadb(url: str, text: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
    import pymysql
    from pymysql.constants import CLIENT

    connection = pymysql.connect(**_login(url), charset="utf8mb4", client_flag=CLIENT.MULTI_STATEMENTS)
    try:
        with connection.cursor() as cursor:
            cursor.execute(text, parameters or None)
            rows = cursor.fetchall()
            while cursor.nextset():
                rows = cursor.fetchall()
        connection.commit()
        return list(rows)
    finally:
        connection.close()


def _login(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": parts.path.lstrip("/") or None,
        "ssl_disabled": True,  # else each connection reads all the certificates of the machine, in 30 ms
    }


@contextmanager
def transaction(url: str, text: str) -> Iterator[None]:
    """Runs a statement in a transaction that commits when the block ends."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        import apsw

        connection = apsw.Connection(url.removeprefix("sqlite:///"))
        connection.set_busy_timeout(5000)
        connection.execute("BEGIN")
        end, close = (lambda: connection.execute("COMMIT")), connection.close
    elif scheme == "postgresql":
        import psycopg

        connection = psycopg.connect(url)
        end, close = connection.commit, connection.close
    else:
        import pymysql

        connection = pymysql.connect(**_login(url))
        end, close = connection.commit, connection.close
    try:
        (connection.cursor() if scheme != "sqlite" else connection).execute(text)
        yield
        end()
    finally:
        close()
