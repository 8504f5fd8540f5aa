"""Owns PostgreSQL's log as a source of notices: peeked at through SQL functions, let go of after the commit.

Nothing is taken from a slot by reading it: what is not committed on our side comes again. One reading of
a slot is one query; the server keeps its rows in a file, and they are followed as they come.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from marea.capabilities import LogPage, Watched
from marea.connectors.postgresql.binding import literal
from marea.connectors.postgresql.changes import Followed, Follower, lsn, shown
from marea.connectors.postgresql.link import single
from marea.connectors.postgresql.messages import Message
from marea.connectors.postgresql.pgoutput import Malformed, message
from marea.connectors.postgresql.slots import Kept, asking, name_of
from marea.errors import ConfigurationError, Fault, RunStopped, SystemUnreachable
from marea.sql.dialect import Query
from marea.sql.parts import text_column

if TYPE_CHECKING:
    from marea.connectors.postgresql.watching import Watching
    from marea.ports import Reader

_SNAPSHOT = Query("SELECT CAST(txid_current_snapshot() AS text) AS snapshot")
_SNAPSHOT_COLUMNS = (text_column("snapshot"),)
_BYTES = 1 << 20

# A server of another encoding writes names and values in that of its client.
_PEEK = """
SELECT data FROM pg_logical_slot_peek_binary_changes({name}, {upto}, NULL,
'proto_version', '1', 'publication_names', {name})
WHERE set_config('client_encoding', 'UTF8', false) IS NOT NULL
"""
_ADVANCE = """
SELECT CAST(pg_replication_slot_advance(slot_name, CAST({at} AS pg_lsn)) AS text) FROM pg_replication_slots
WHERE slot_name = {name} AND confirmed_flush_lsn < CAST({at} AS pg_lsn)
"""
_HELD = """
SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS bigint) FROM pg_replication_slots
WHERE slot_name = {name}
"""

AHEAD = "the log has not come yet to where it was read to"
BEHIND = "its slot was made anew, or moved on by somebody else"
OTHER = "its publication, its tables or their columns are not those that were read"


class PostgresqlLog:
    """The log as it tells of the tables of one entity."""

    def __init__(self, source: Watching, watched: Sequence[Watched]) -> None:
        self._source = source
        self._watched = tuple(watched)
        self._name: str | None = None

    # -- what is kept ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What its slot and its publication are called."""
        if self._name is None:
            database = str(single(self._source.ask("SELECT current_database() AS name")))
            self._name = name_of(database, self._watched[0].entity)
        return self._name

    def kept(self) -> Kept:
        """What the server says of slot, publication and tables."""
        asked = asking(self.name, self._watched, self._source.dialect)
        return Kept(self.name, self._watched, json.loads(str(single(self._source.ask(asked)))))

    def _installed(self) -> Kept:
        """As `kept`; without its publication a slot would tell of nothing. Raises ConfigurationError."""
        kept = self.kept()
        if lacking := [*kept.unfit(), *kept.lacking()]:
            entity = self._watched[0].entity
            hint = f"make it: marea capture install {entity}"
            raise ConfigurationError([Fault(text, entity=entity, hint=hint) for text in lacking])
        return kept

    def lost(self, position: str) -> str:
        """Why changes since a position are not to be had any more, or may lead elsewhere; else empty."""
        return _lost(self.kept(), position)

    def keep(self, position: str | None) -> None:
        """Makes the slot where there is none that serves; the server waits for who is writing."""
        kept = self._installed()
        if not (kept.broken or (position is not None and _lost(kept, position))):
            return
        if kept.slot:
            self._source.ask(kept.dropping())
        self._source.ask(kept.making())

    def held(self, position: str) -> int:
        """How many bytes the slot keeps, for whatever position."""
        return int(single(self._source.ask(_HELD.format(name=literal(self.name)))) or 0)

    def release(self, position: str) -> None:
        """Moves the slot on; who reads it just now is let be: the next commit moves it further."""
        statement = _ADVANCE.format(name=literal(self.name), at=literal(_read(position)[0]))
        try:
            self._source.ask(statement)
        except SystemUnreachable as error:
            if "is active for PID" not in error.message:
                raise

    # -- reading --------------------------------------------------------------------------

    def pages(self, reader: Reader, position: str | None, rows: int) -> Iterator[LogPage]:
        """Follows the log from a position, or from where the slot keeps it."""
        snapshot = next(iter(reader.stream(_SNAPSHOT, _SNAPSHOT_COLUMNS, 1)))
        kept = self._installed()
        after = lsn(_read(position)[0] if position is not None else kept.slot["confirmed_flush_lsn"])
        follower = Follower(self._followed(kept), shown(snapshot.column(0)[0].as_py()), rows)
        upto = str(kept.found["flushed"])
        try:
            with closing(self._messages(upto)) as messages:
                for page in follower.pages(messages, after, lsn(upto)):
                    at = page.position and _written(page.position, kept.mark)
                    yield LogPage(page.noted, at, whole=page.whole)
        except Malformed as error:
            raise RunStopped(
                f"the log of {self._source.system} cannot be followed: {error}", hint="please report this"
            ) from None

    def _messages(self, upto: str) -> Generator[Message, None, None]:
        text = _PEEK.format(name=literal(self.name), upto=literal(upto))
        link = self._source.take()
        try:
            for table in link.stream(text, _BYTES):
                for data in table.column(0).to_pylist():
                    yield message(data)
        finally:
            self._source.give(link)

    def _followed(self, kept: Kept) -> dict[int, list[Followed]]:
        """The watched tables by their number; one table may be watched on several paths."""
        found: dict[int, list[Followed]] = {}
        for table, it in zip(kept.found["tables"], self._watched, strict=True):
            columns = tuple(column.name for column in it.columns)
            found.setdefault(table["oid"], []).append(Followed(it.path, columns))
        return found


def _lost(kept: Kept, position: str) -> str:
    at, mark = _read(position)
    if kept.broken:
        return kept.broken
    if lsn(kept.slot["confirmed_flush_lsn"]) > lsn(at):
        return BEHIND
    if mark != kept.mark:
        return OTHER
    return AHEAD if lsn(at) > lsn(kept.found["flushed"]) else ""


def _written(at: str, mark: str) -> str:
    return json.dumps({"at": at, "of": mark})


def _read(position: str) -> tuple[str, str]:
    value = json.loads(position)
    return value["at"], value["of"]
