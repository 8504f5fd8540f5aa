"""Owns what is synchronized: the table `ma_custsupp`, how it is filled and how it really changes."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

TABLE = "ma_custsupp"
KEY = ("custsupptype", "custsupp")
STAMP = "tbmodified"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the source and the SQL that fills it for row number `i`."""

    name: str
    type: str
    filling: str


COLUMNS = tuple(
    Column(*(part.strip() for part in line.split(" : ")))
    for line in """
        custsupptype   : integer NOT NULL     : 3211264 + i % 2
        custsupp       : varchar(12) NOT NULL : lpad(i::text, 8, '0')
        companyname    : varchar(128) : initcap(left(md5(i::text), 16)) || ' spa' || left('  ', (i % 3)::int)
        taxidnumber    : varchar(20)  : lpad((i * 7919 % 99999999999)::text, 11, '0')
        fiscalcode     : varchar(20)  : CASE WHEN i % 4 > 0 THEN upper(left(md5('f' || i), 16)) END
        address        : varchar(128) : 'Via ' || initcap(left(md5('a' || i), 24)) || ', ' || i % 250
        zipcode        : varchar(10)  : lpad((i * 31 % 99999)::text, 5, '0')
        city           : varchar(64)  : 'Città ' || initcap(left(md5((i % 8000)::text), 16))
        county         : varchar(3)   : upper(left(md5((i % 107)::text), 2))
        country        : varchar(64)  : (ARRAY['Italia', 'Österreich', 'France', 'España'])[i % 4 + 1]
        isocountrycode : varchar(2)   : (ARRAY['IT', 'AT', 'FR', 'ES'])[i % 4 + 1]
        telephone1     : varchar(20)  : '+39 ' || lpad((i * 104729 % 9999999999)::text, 10, '0')
        email          : varchar(128) : CASE WHEN i % 10 > 0 THEN 'Info.' || i || '@example.com' ELSE '' END
        contactperson  : varchar(64)  : 'Dott. ' || initcap(left(md5('c' || i), 20))
        currency       : varchar(8)   : 'EUR'
        payment        : varchar(8)   : 'P' || i % 90
        discount1      : numeric(7,2) : i % 3000 / 100.0
        disabled       : char(1) NOT NULL : (i % 50 = 0)::int::text
        tbcreated      : timestamp NOT NULL : timestamp '2021-01-01' + i * interval '61 seconds'
        tbmodified     : timestamp NOT NULL : timestamp '2023-01-01' + i * 7919 % 99999999 * interval '1.03 s'
    """.strip().splitlines()
)
"""Trailing blanks, NULL and empty text apart, decimals, and stamps in another order than the keys."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to measure; `share` of the rows changed before it, None where all are new."""

    letter: str
    title: str
    share: float | None
    rounds: int


JOBS = (
    Job("A", "first load of all rows", None, 3),
    Job("B", "1 % changed", 0.01, 5),
    Job("C", "10 % changed", 0.10, 5),
    Job("D", "nothing changed", 0.0, 5),
    Job("S", "scan, nothing changed", 0.0, 5),
    Job("E", "30 % changed (memory only)", 0.30, 1),
)


SCAN = "S"
"""The job that compares instead of synchronizing."""


def load(url: str, rows: int) -> None:
    """Make and fill the source, with its key and an index on the last-edit date."""
    columns = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
    fillings = ", ".join(f"({column.filling})" for column in COLUMNS)
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE {TABLE} ({columns})")
        connection.execute(
            f"INSERT INTO {TABLE} SELECT {fillings} FROM generate_series(1, {rows}::bigint) AS i"
        )
        connection.execute(f"ALTER TABLE {TABLE} ADD PRIMARY KEY ({', '.join(KEY)})")
        connection.execute(f"CREATE INDEX ON {TABLE} ({STAMP})")


def change(url: str, share: float, turn: int) -> int:
    """Edit a share of the rows, spread over the whole table, as an application does; gives how many.

    Every turn writes other values and moves the stamps, each its own, to the last second.
    """
    if not share:
        return 0
    step = round(1 / share)
    with psycopg.connect(url) as connection:
        return connection.execute(
            f"""
            UPDATE {TABLE} SET
                address = 'Via ' || initcap(substr(md5(custsupp || %(turn)s), 1, 20)) || ', ' || %(turn)s,
                payment = 'P' || (custsupp::bigint + %(turn)s) %% 90,
                discount1 = (custsupp::bigint + %(turn)s) %% 3000 / 100.0,
                email = CASE WHEN email = '' THEN 'new.' || %(turn)s || '@neu.example' ELSE email END,
                {STAMP} = clock_timestamp()::timestamp
            WHERE custsupp::bigint %% %(step)s = %(turn)s %% %(step)s
            """,
            {"turn": turn, "step": step},
        ).rowcount


def newest(url: str) -> str:
    """The newest last-edit date of the source, for the contestants whose caller has to know it."""
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT max({STAMP})::text FROM {TABLE}").fetchone()[0]
