"""Owns the durable position of the xmin capture: from which transaction on rows are still to be read.

All that a snapshot does not show was written by transactions that were open when it was taken, or began
later. None of these has a number before the oldest that was open then. So rows from that number on are
read, and the numbers before it need no second look: too many are read where transactions stay open for
long, and none is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from marea.capture import form
from marea.errors import ConfigurationError
from marea.ports import Column, Reader
from marea.sql.dialect import Dialect
from marea.sql.transactions import MOMENT, written

VERSION = 1

OTHER_SERVER = "its transactions are numbered by another server, or by one that was put back"
NUMBERS_AHEAD = "its transactions have not come to the number yet that was read up to"

_FOUND = (Column("found", pa.int64(), ""),)


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the numbers of transactions stood when a snapshot was taken; see `Dialect.transactions`."""

    oldest: int
    next: int
    server: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where the capture of one entity stands; opaque text to everyone else."""

    since: int
    """The number of the first transaction whose rows are still to be read."""
    server: str
    """Whose numbers they are."""
    tables: Mapping[str, str]
    """Path of a table -> the table under its alias as SQL, as it was bound then."""

    def to_text(self) -> str:
        """The durable form; its version allows later forms to be told apart."""
        value = {"since": self.since, "server": self.server, "tables": dict(self.tables)}
        return form.written(VERSION, value)

    @classmethod
    def from_text(cls, text: str) -> Numbers:
        """The position of a durable text. Raises RunStopped for one of a newer program."""
        value = form.read(VERSION, text)
        return cls(value["since"], value["server"], value["tables"])

    def lost(self, now: Moment) -> str:
        """Why it says nothing about the rows there are now; empty where it does."""
        if self.server != now.server:
            return OTHER_SERVER
        return NUMBERS_AHEAD if self.since > now.next else ""


def moment(dialect: Dialect, reader: Reader) -> Moment:
    """Where the numbers stand at the reader's moment. Raises ConfigurationError where there are none."""
    query = dialect.transactions()
    for page in reader.stream(query, MOMENT, 1) if query else ():
        return Moment(**page.to_pylist()[0])
    raise ConfigurationError.single(f"rows of {dialect.name} do not tell which transaction wrote them")


def nothing_written(position: Numbers, dialect: Dialect, reader: Reader) -> bool:
    """Whether no table has a row that is still to be read, asked without binding the entity.

    One pass over each of them, unless no transaction of the whole server has written since. False when
    it cannot be told: the position says nothing any more, or a table is gone.
    """
    now = moment(dialect, reader)
    if position.lost(now):
        return False
    if position.since == now.next:
        return True
    queries = [written(dialect, table, position.since, now.next) for table in position.tables.values()]
    try:
        return not any(True for query in queries for _ in reader.stream(query, _FOUND, 1))
    except ConfigurationError:
        return False
