"""Owns MariaDB's binlog as a source of notices: rows before and after, up to where a snapshot stands.

A snapshot tells its own place in the binlog: what is before it is shown, and what comes behind it is
not. MySQL's does not tell it, and a transaction is in its binlog before it is seen: it has no such capture.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marea.capabilities import LogPage, Noted, Watched
from marea.connectors.mysql.catalogue import locate, login
from marea.connectors.mysql.events import Committed, Event, Place, Rows, Statement, events
from marea.connectors.mysql.link import Link
from marea.errors import ConfigurationError, Fault
from marea.sql.dialect import Query
from marea.sql.parts import text_column

if TYPE_CHECKING:
    from marea.connectors.mysql.source import MysqlSource
    from marea.ports import Reader

_PLACE = Query(
    "SELECT MAX(IF(variable_name = 'BINLOG_SNAPSHOT_FILE', variable_value, NULL)) AS file, "
    "MAX(IF(variable_name = 'BINLOG_SNAPSHOT_POSITION', variable_value, NULL)) AS at "
    "FROM information_schema.session_status "
    "WHERE variable_name IN ('BINLOG_SNAPSHOT_FILE', 'BINLOG_SNAPSHOT_POSITION')"
)
_PLACE_COLUMNS = (text_column("file"), text_column("at"))
_SHAPE = (
    "SELECT column_name, ordinal_position, column_type FROM information_schema.columns "
    "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
_KIND = "SELECT table_type FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
_NEEDED = {
    "log_bin": "1",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_row_metadata": "FULL",
}
_RIGHTS = ("REPLICATION SLAVE", "BINLOG MONITOR")

_CHANGING = re.compile(r"(?i)\s*(INSERT|UPDATE|DELETE|REPLACE|LOAD|CALL|MERGE|WITH|SELECT|DO|EXECUTE)\b")
"""Statements that changed rows and were not written down as rows."""
_SHAPING = re.compile(r"(?i)\s*(TRUNCATE|DROP|ALTER|CREATE|RENAME)\b")

GONE = "the server does not keep its binlog any more from where it was read to"
AHEAD = "its binlog has not come yet to where it was read to"
ANEW = "its binlog was begun anew"
OTHER = "the columns of its tables are not those that were read"


class MysqlLog:
    """The binlog as it tells of the tables of one entity."""

    def __init__(self, source: MysqlSource, watched: Sequence[Watched]) -> None:
        self._source = source
        self._watched = tuple(watched)

    def lost(self, position: str) -> str:
        """Why changes since a position are not to be had any more, or may lead elsewhere; else empty."""
        place, mark, gtid = _read(position)
        with self._source.link() as link:
            sizes = _sizes(link)
            if place.file not in sizes:
                return GONE
            if sizes[place.file] < place.at:
                return AHEAD
            if gtid and _gtid(link, place) != gtid:
                return ANEW
            return "" if self._mark(link) == mark else OTHER

    def keep(self, position: str | None) -> None:
        """The server keeps its binlog for as long as it is set to; what it lacks for that is raised."""
        with self._source.link() as link:
            lacking = lacks(link, self._watched)
        if lacking:
            entity = self._watched[0].entity
            raise ConfigurationError([Fault(text, entity=entity, hint=hint) for text, hint in lacking])

    def held(self, position: str) -> int:
        """None for us: it keeps its binlog as it is set to."""
        return 0

    def release(self, position: str) -> None:
        """Nothing is kept for us."""

    def pages(self, reader: Reader, position: str | None, rows: int) -> Iterator[LogPage]:
        """Follows the binlog to where the reader's snapshot stands."""
        [told] = next(iter(reader.stream(_PLACE, _PLACE_COLUMNS, 1))).to_pylist()
        if told["file"] is None:
            self.keep(None)
        end = Place.of(told["file"], int(told["at"]))
        with self._source.link() as link:
            mark, last = self._mark(link), _gtid(link, end)
            places = {locate(link, it.table.name) or ("", ""): it.table.name for it in self._watched}
        begin = _read(position)[0] if position is not None else end
        if begin < end:
            follower = _Follower(self._watched, places, rows)
            for page, at in follower.pages(events(self._source.login, begin, end)):
                yield LogPage(page.noted, _written(at, mark, "") if at else None, page.whole)
            page = follower.rest()
            yield LogPage(page.noted, _written(end, mark, last), page.whole)
        else:
            yield LogPage({}, position or _written(end, mark, last))

    def _mark(self, link: Link) -> str:
        """Another text once the server or the columns of a table are others: names may have moved."""
        shapes = [link.rows(_SHAPE, locate(link, it.table.name) or ("", "")) for it in self._watched]
        told = json.dumps([link.rows("SELECT @@server_uid"), shapes], default=_plain)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


class _Follower:
    """Gathers what events note of watched tables."""

    def __init__(self, watched: Sequence[Watched], places: Mapping[tuple[str, str], str], rows: int) -> None:
        self._watched = {
            place: [it for it in watched if it.table.name == name] for place, name in places.items()
        }
        self._names = [re.compile(rf"(?i)(?<!\w){re.escape(table)}(?!\w)") for _, table in places]
        self._rows = rows
        self._noted: dict[str, dict[Noted, None]] = {}
        self._size, self._whole = 0, False

    def pages(self, found: Iterator[Event]) -> Iterator[tuple[LogPage, Place | None]]:
        """Full pages, with their place where a transaction has ended."""
        for event in found:
            if isinstance(event, Rows):
                self._note(event)
            elif isinstance(event, Statement):
                self._whole = self._whole or self._is_any(event.text)
            if self._size >= self._rows:
                yield self.rest(), event.end if isinstance(event, Committed) else None

    def rest(self) -> LogPage:
        """What was noted since the last page."""
        noted = {path: list(values) for path, values in self._noted.items()}
        page = LogPage(noted, None, self._whole)
        self._noted, self._size, self._whole = {}, 0, False
        return page

    def _note(self, event: Rows) -> None:
        for it in self._watched.get(event.table, ()):
            known = self._noted.setdefault(it.path, {})
            for row in event.rows:
                values = _noted(it, row)
                if values is None:
                    self._whole = True
                elif None not in values and values not in known:
                    known[values] = None
                    self._size += 1

    def _is_any(self, text: str) -> bool:
        """Whether a statement may have changed any row of a watched table."""
        if _CHANGING.match(text):
            return True
        return bool(_SHAPING.match(text)) and any(name.search(text) for name in self._names)


def lacks(link: Link, watched: Sequence[Watched]) -> list[tuple[str, str]]:
    """What is lacking, and what brings it."""
    if not link.mariadb:
        why = "a snapshot of MySQL does not tell its place in the binlog: no capture by log can be sure of it"
        return [(why, "choose another capture")]
    found = [_unset(name, value) for name, value in _NEEDED.items() if _setting(link, name) != value]
    rows = link.rows("SELECT privilege_type FROM information_schema.user_privileges")
    given = {str(privilege) for (privilege,) in rows}
    if missing := [right for right in _RIGHTS if right not in given]:
        told = f"the login may not read the binlog: it lacks {', '.join(missing)}"
        found.append((told, f"GRANT {', '.join(missing)} ON *.* TO {login(link)}"))
    names = dict.fromkeys(it.table.name for it in watched)
    views = [name for name in names if link.rows(_KIND, locate(link, name) or ("", "")) != [("BASE TABLE",)]]
    return [*found, *((f"no binlog tells of {name}, a view", "choose another capture") for name in views)]


def _unset(name: str, value: str) -> tuple[str, str]:
    option = "log-bin" if name == "log_bin" else f"{name.replace('_', '-')} = {value}"
    return f"{name} of the server is not {value}", f"write {option} into its file; then restart it"


def _setting(link: Link, name: str) -> str:
    return str(link.rows(f"SELECT @@global.{name}")[0][0])


def _sizes(link: Link) -> dict[str, int]:
    return {str(row[0]): int(row[1] or 0) for row in link.rows("SHOW BINARY LOGS")}


def _gtid(link: Link, place: Place) -> str:
    return str(link.rows("SELECT BINLOG_GTID_POS(%s, %s)", (place.file, place.at))[0][0])


def _noted(watched: Watched, row: Mapping[str, Any] | None) -> Noted | None:
    """The values of a row that lead to its record; None where they cannot be told."""
    if row is None:
        return None
    texts: list[str | None] = []
    for column in watched.columns:
        if column.name not in row or column.native.startswith("timestamp"):
            return None  # renamed since, or read in the zone of this machine
        value = row[column.name]
        if not isinstance(value, str | int | Decimal | datetime | date | None):
            return None
        texts.append(None if value is None else _plain(value))
    return tuple(texts)


def _plain(value: object) -> str:
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _written(place: Place, mark: str, gtid: str) -> str:
    return json.dumps({"file": place.file, "at": place.at, "of": mark, "gtid": gtid})


def _read(position: str) -> tuple[Place, str, str]:
    value = json.loads(position)
    return Place.of(value["file"], value["at"]), value["of"], value["gtid"]
