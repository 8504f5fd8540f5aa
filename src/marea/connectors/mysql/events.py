"""Owns reading MariaDB's binlog event by event: rows before and after, statements, where each ends."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from secrets import randbelow
from typing import Any

import pymysql
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import QueryEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from marea.connectors.mysql.failures import translate
from marea.connectors.mysql.options import Login
from marea.connectors.mysql.tls import Connection, tls
from marea.errors import RunStopped, SystemUnreachable

_FIRST = 1 << 31
"""Numbers a reader gives itself: those of real replicas are small."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the binlog: the number of its file, how far into it."""

    number: int
    at: int
    base: str
    """The name of the files without the number."""

    @classmethod
    def of(cls, file: str, at: int) -> Place:
        """The place of a file's name and an offset."""
        base, _, number = file.rpartition(".")
        return cls(int(number), at, base)

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.base}.{self.number:06d}"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table that changed: column -> value of each, as it was before and as it is after."""

    table: tuple[str, str]
    rows: Sequence[Mapping[str, Any] | None]
    """None for a row of which the log does not tell all."""
    end: Place


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was written down as such."""

    text: str
    end: Place


@dataclass(frozen=True, slots=True)
class Committed:
    """The end of a transaction."""

    end: Place


Event = Rows | Statement | Committed

_ENDS = ("COMMIT", "ROLLBACK")


def events(login: Login, begin: Place, end: Place) -> Iterator[Event]:
    """What is written between two places. Raises SystemUnreachable, RunStopped for what cannot be read."""
    reader = BinLogStreamReader(
        connection_settings=_settings(login),
        pymysql_wrapper=_connected,
        server_id=_FIRST + randbelow(_FIRST - 1),
        log_file=begin.file,
        log_pos=begin.at,
        resume_stream=True,
        blocking=False,
        only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent, QueryEvent, XidEvent],
    )
    try:
        with closing(reader):
            yield from _until(reader, login, end)
    except (pymysql.Error, OSError) as error:
        raise translate(error, login, writing=False) from None
    except (struct.error, LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise RunStopped(
            f"the binlog of {login.system} cannot be followed: {type(error).__name__}",
            hint="please report this",
        ) from None


def _until(reader: BinLogStreamReader, login: Login, end: Place) -> Iterator[Event]:
    for event in reader:
        place = Place.of(reader.log_file, reader.log_pos)
        if place > end:
            return
        yield _event(event, place)
        if place == end:
            return
    if Place.of(reader.log_file, reader.log_pos) < end:
        raise SystemUnreachable(login.system, "its binlog ended before the place that its snapshot told")


def _event(event: Any, place: Place) -> Event:
    if isinstance(event, XidEvent):
        return Committed(place)
    if isinstance(event, QueryEvent):
        text = event.query.strip()
        return Committed(place) if text.upper() in _ENDS else Statement(text, place)
    rows = [image for row in event.rows for image in _images(row)]
    return Rows((event.schema, event.table), rows, place)


def _images(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any] | None]:
    for prefix in ("", "before_", "after_"):
        values = row.get(f"{prefix}values")
        if values is not None:
            known = all(why == "null" for why in row[f"{prefix}none_sources"].values())
            yield values if known else None


def _connected(*, db: str | None = None, **settings: Any) -> Connection:
    """A connection; the reader calls its database by a name that the driver takes no more."""
    return Connection(database=db, **settings)


def _settings(login: Login) -> dict[str, Any]:
    where = login.address
    return {
        "host": where.host or None,
        "port": where.port or 3306,
        "user": where.user or None,
        "password": where.password.encode(),
        "unix_socket": login.unix_socket,
        "charset": login.charset,
        "connect_timeout": 10,
        "read_timeout": 600,
        **tls(login),
    }
