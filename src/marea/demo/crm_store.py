"""Owns the demo CRM's storage: JSON records in a SQLite file, kept across restarts, written in groups."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import apsw

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keyed (
    object TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (object, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owned (
    id INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, external_id TEXT, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS owned_external ON owned (object, external_id);
"""


class Store:
    """Records by key, and records with ids of the CRM's own. Used inside one event loop.

    A writing method returns when its change is committed; changes that come at the same
    time are committed together. They are on disk when the process dies, not when the
    machine does.
    """

    def __init__(self, file: Path) -> None:
        self._db = apsw.Connection(str(file))
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 5000"):
            list(self._db.execute(f"PRAGMA {setting}"))  # some answer with a row, and wait until it is taken
        self._db.execute(_SCHEMA)
        self._commit: asyncio.Future[None] | None = None

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    # -- records by key ----------------------------------------------------------------------

    def get(self, name: str, key: str) -> str | None:
        """The record's JSON text."""
        return self._one("SELECT body FROM keyed WHERE object = ? AND key = ?", name, key)

    def page(self, name: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Keys and bodies in key order, those above `after`."""
        sql = "SELECT key, body FROM keyed WHERE object = ? AND key > ? ORDER BY key LIMIT ?"
        return list(self._db.execute(sql, (name, after, limit)))

    async def put(self, name: str, key: str, body: str) -> str:
        """Writes the record whole: `created`, `updated` or, when it was the same, `unchanged`."""
        known = self.get(name, key)
        if known == body:
            return "unchanged"
        sql = "INSERT INTO keyed VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
        await self._write(sql, name, key, body)
        return "created" if known is None else "updated"

    async def remove(self, name: str, key: str) -> bool:
        """Whether there was such a record."""
        known = self.get(name, key) is not None
        await self._write("DELETE FROM keyed WHERE object = ? AND key = ?", name, key)
        return known

    # -- records with ids of the CRM's own ---------------------------------------------------

    def owned(self, name: str, number: int) -> str | None:
        """The record's JSON text, its id in it."""
        body = self._one("SELECT body FROM owned WHERE object = ? AND id = ?", name, number)
        return None if body is None else with_id(number, body)

    def find(self, name: str, external_id: str) -> list[str]:
        """Every record of that external id, in order of their ids."""
        sql = "SELECT id, body FROM owned WHERE object = ? AND external_id = ? ORDER BY id"
        return [with_id(*row) for row in self._db.execute(sql, (name, external_id))]

    def owned_page(self, name: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Ids and bodies in order of their ids, those above `after`."""
        sql = "SELECT id, body FROM owned WHERE object = ? AND id > ? ORDER BY id LIMIT ?"
        return [
            (number, with_id(number, body)) for number, body in self._db.execute(sql, (name, after, limit))
        ]

    async def add(self, name: str, external_id: str | None, body: str) -> int:
        """Makes a record, whatever is there already; gives its id."""
        sql = "INSERT INTO owned (object, external_id, body) VALUES (?, ?, ?)"
        committed = self._begin()
        self._db.execute(sql, (name, external_id, body))
        number = self._db.last_insert_rowid()
        await asyncio.shield(committed)
        return number

    async def change(self, name: str, number: int, external_id: str | None, body: str, *, merge: bool) -> str:
        """Replaces a record that is there, or merges into it (RFC 7396): `updated` or `unchanged`."""
        known = self._one("SELECT body FROM owned WHERE object = ? AND id = ?", name, number)
        if merge:
            body = str(self._one("SELECT json_patch(?, ?)", known, body))
            external_id = external_id or self._one("SELECT external_id FROM owned WHERE id = ?", number)
        if known == body:
            return "unchanged"
        await self._write(
            "UPDATE owned SET external_id = ?, body = ? WHERE id = ?", external_id, body, number
        )
        return "updated"

    async def drop(self, name: str, number: int) -> bool:
        """Whether there was such a record."""
        known = self.owned(name, number) is not None
        await self._write("DELETE FROM owned WHERE object = ? AND id = ?", name, number)
        return known

    def has(self, name: str, key: str) -> bool:
        """Whether there is a record with that key, or with that id."""
        if self.get(name, quote(key, safe="")) is not None:
            return True
        return key.isascii() and key.isdigit() and self.owned(name, int(key)) is not None

    def counts(self) -> dict[str, int]:
        """How many records there are of each object."""
        both = "SELECT object FROM keyed UNION ALL SELECT object FROM owned"
        rows: Iterator[tuple[str, int]] = self._db.execute(
            f"SELECT object, count(*) FROM ({both}) GROUP BY object ORDER BY object"
        )
        return dict(rows)

    async def empty(self) -> None:
        """Removes every record; ids are not given again."""
        await self._write("DELETE FROM keyed")
        await self._write("DELETE FROM owned")

    # -- groups ------------------------------------------------------------------------------

    async def _write(self, sql: str, *values: str | int | None) -> None:
        committed = self._begin()
        self._db.execute(sql, values)
        await asyncio.shield(committed)

    def _begin(self) -> asyncio.Future[None]:
        """The commit that a change made now belongs to."""
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._db.execute("BEGIN IMMEDIATE")
            self._commit = loop.create_future()
            loop.call_soon(self._end)
        return self._commit

    def _end(self) -> None:
        commit, self._commit = self._commit, None
        self._db.execute("COMMIT")
        if commit is not None:
            commit.set_result(None)

    def _one(self, sql: str, *values: str | int | None) -> str | None:
        for (value,) in self._db.execute(sql, values):
            return None if value is None else str(value)
        return None


def with_id(number: int, body: str) -> str:
    """The record's JSON text with its id before everything else."""
    rest = body.lstrip()[1:].lstrip()
    return f'{{"id":{json.dumps(number)}{"" if rest.startswith("}") else ","}{rest}'
