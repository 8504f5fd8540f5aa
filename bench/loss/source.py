"""Owns the source: its tables, how they are filled, and the SQL of every change, on real transactions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString

import psycopg

from bench.loss.history import (
    ADDRESS,
    PARTY,
    Action,
    Address,
    Begin,
    Change,
    History,
    Operation,
    Party,
    Stamp,
    Step,
    Write,
)

VIEW = "party_open"
"""The parties that are records: the filter, for tools that take a table."""

TABLES: tuple[LiteralString, ...] = (
    """CREATE TABLE party (
        code varchar(12) PRIMARY KEY,
        name varchar(60) NOT NULL,
        credit numeric(9,2) NOT NULL,
        closed boolean NOT NULL DEFAULT false,
        stamp timestamp
    )""",
    "CREATE INDEX ON party (stamp)",
    "CREATE VIEW party_open AS SELECT code, name, credit, stamp FROM party WHERE NOT closed",
    """CREATE TABLE address (
        id integer PRIMARY KEY,
        party varchar(12) NOT NULL,
        city varchar(60) NOT NULL,
        stamp timestamp
    )""",
    "CREATE INDEX ON address (party)",
    "CREATE INDEX ON address (stamp)",
)

FIRST = datetime(2024, 1, 1)
LONG_AGO = datetime(2019, 5, 6, 7, 8, 9)
"""Where stamps are set back to: before any that was read."""

STAMPS: dict[Stamp, LiteralString] = {
    Stamp.CLOCK: "clock_timestamp()::timestamp",
    Stamp.BEGUN: "now()::timestamp",
    Stamp.SHARED: "%(moment)s",
    Stamp.NONE: "NULL::timestamp",
    Stamp.BACK: "%(long_ago)s",
    Stamp.AHEAD: "clock_timestamp()::timestamp + interval '1 year'",
}

STATEMENTS: dict[tuple[str, Operation], LiteralString] = {
    (PARTY, Operation.INSERT): "INSERT INTO party VALUES (%(key)s, 'New party', 7.5, false, {stamp})",
    (
        PARTY,
        Operation.EDIT,
    ): "UPDATE party SET name = name || '*', stamp = {stamp} {row}",
    (PARTY, Operation.DELETE): "DELETE FROM party {row}",
    (PARTY, Operation.MOVE): "UPDATE party SET code = %(to)s, stamp = {stamp} {row}",
    (PARTY, Operation.CLOSE): "UPDATE party SET closed = true, stamp = {stamp} {row}",
    (PARTY, Operation.REOPEN): "UPDATE party SET closed = false, credit = credit + 1, stamp = {stamp} {row}",
    (ADDRESS, Operation.INSERT): "INSERT INTO address VALUES (%(key)s::integer, %(to)s, 'New city', {stamp})",
    (ADDRESS, Operation.EDIT): "UPDATE address SET city = city || '*', stamp = {stamp} {row}",
    (ADDRESS, Operation.DELETE): "DELETE FROM address {row}",
    (ADDRESS, Operation.MOVE): "UPDATE address SET party = %(to)s, stamp = {stamp} {row}",
}

ROWS: dict[str, LiteralString] = {PARTY: "WHERE code = %(key)s", ADDRESS: "WHERE id = %(key)s::integer"}


def load(url: str, history: History) -> None:
    """Make the tables and fill them with what is there from the start."""
    with psycopg.connect(url) as connection:
        for statement in TABLES:
            connection.execute(statement)
        with connection.cursor().copy("COPY party (code, name, credit, stamp) FROM STDIN") as copy:
            for party in history.parties:
                copy.write_row(_party(party))
        with connection.cursor().copy("COPY address FROM STDIN") as copy:
            for number, address in enumerate(history.addresses):
                copy.write_row(_address(address, number))


def _party(party: Party) -> tuple[object, ...]:
    at = FIRST + timedelta(minutes=party.number)
    return party.code, f"Party {party.number}", party.number % 5000 / 100, at


def _address(address: Address, number: int) -> tuple[object, ...]:
    return address.id, address.party, f"City {number % 700}", FIRST + timedelta(minutes=number)


def execute(url: str, statement: LiteralString) -> None:
    """One statement of the source's administrator."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def newest(url: str, table: str, stamp: str) -> str | None:
    """The newest last-edit date of a table, for the contestants whose caller has to know it."""
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT max({stamp})::text FROM {table}").fetchone()
        return row[0] if row else None


class Programs:
    """The programs that write to the source: each transaction has a connection, open as long as it is."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: dict[str, psycopg.Connection] = {}

    def play(self, step: Step) -> None:
        """One step; transactions that do not end in it stay open."""
        moment: list[datetime] = []
        for action in step:
            self._do(action, moment)

    def close(self) -> None:
        """Ends what is open, uncommitted."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _do(self, action: Action, moment: list[datetime]) -> None:
        if isinstance(action, Begin):
            self._open[action.transaction] = connection = psycopg.connect(self._url)
            connection.execute("SELECT now()")
        elif isinstance(action, Write):
            connection = self._open[action.transaction]
            for change in action.changes:
                if change.stamp is Stamp.SHARED and not moment:
                    moment.append(_clock(connection))
                _apply(connection, change, moment)
        else:
            connection = self._open.pop(action.transaction)
            connection.commit() if action.commit else connection.rollback()
            connection.close()


def _apply(connection: psycopg.Connection, change: Change, moment: list[datetime]) -> None:
    if change.stamp is Stamp.KEPT:
        stamp: LiteralString = "stamp"
    else:
        stamp = STAMPS[change.stamp]
    text = STATEMENTS[change.table, change.operation].format(stamp=stamp, row=ROWS[change.table])
    values = {"key": change.key, "to": change.to, "moment": moment[0] if moment else None}
    done = connection.execute(text, values | {"long_ago": LONG_AGO})
    if done.rowcount != 1:
        raise AssertionError(f"{change} concerned {done.rowcount} rows")


def _clock(connection: psycopg.Connection) -> datetime:
    row = connection.execute("SELECT clock_timestamp()::timestamp").fetchone()
    assert row is not None
    return row[0]
