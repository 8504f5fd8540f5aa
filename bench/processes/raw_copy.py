"""The limit as a process of its own: `raw_copy.py merge|copy SOURCE TARGET [SINCE]`."""

import sys

import psycopg

TABLE = "ma_custsupp"
KEY = ("custsupptype", "custsupp")
STAMP = "tbmodified"


def main(mode: str, source: str, target: str, since: str = "") -> None:
    """Copy the rows edited after `since`, or all, straight into the table or through staging."""
    with psycopg.connect(source) as reading, psycopg.connect(target) as writing:
        into = TABLE
        if mode == "merge":
            into = "staging"
            writing.execute(f"CREATE UNLOGGED TABLE {into} (LIKE {TABLE})")
        where = f"WHERE {STAMP} > {psycopg.sql.Literal(since).as_string()}" if since else ""
        with (
            reading.cursor().copy(f"COPY (SELECT * FROM {TABLE} {where}) TO STDOUT (FORMAT binary)") as rows,
            writing.cursor().copy(f"COPY {into} FROM STDIN (FORMAT binary)") as copied,
        ):
            for block in rows:
                copied.write(block)
        if mode == "merge":
            merge(writing, into)


def merge(writing: psycopg.Connection, staging: str) -> None:
    """Bring staged rows into the table: one statement."""
    described = writing.execute(f"SELECT * FROM {TABLE} LIMIT 0").description
    updates = ", ".join(f"{column.name} = excluded.{column.name}" for column in described)
    writing.execute(
        f"INSERT INTO {TABLE} SELECT * FROM {staging} ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {updates}"
    )
    writing.execute(f"DROP TABLE {staging}")


if __name__ == "__main__":
    main(*sys.argv[1:])
