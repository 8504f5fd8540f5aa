"""Owns the limit: COPY and one merge, with no mapping, ledger, journal or safety of any kind."""

from __future__ import annotations

import sys

import psycopg

from bench.contestants.base import PROCESSES, Contestant
from bench.data import COLUMNS, KEY, TABLE
from bench.measure import Command

PROCESS = PROCESSES / "raw_copy.py"
DIGEST = PROCESSES / "raw_digest.py"


class RawMerge(Contestant):
    """COPY out, COPY into an unlogged staging table, INSERT … ON CONFLICT."""

    name = "raw"
    jobs = "ABCDS"
    mode = "merge"

    def version(self) -> str:
        return f"psycopg {psycopg.__version__}"

    def reset(self) -> None:
        columns = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
        with psycopg.connect(self.place.target) as connection:
            connection.execute(f"CREATE TABLE {TABLE} ({columns}, PRIMARY KEY ({', '.join(KEY)}))")

    def command(self, since: str | None) -> Command:
        return self.made(
            sys.executable, PROCESS, self.mode, self.place.source, self.place.target, *filter(None, [since])
        )

    def scan(self) -> Command:
        return self.made(sys.executable, DIGEST, self.place.source)


class RawCopy(RawMerge):
    """COPY straight into an empty table that has its key: only a first load can be done so."""

    name = "raw-copy"
    jobs = "A"
    mode = "copy"
