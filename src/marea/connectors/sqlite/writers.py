"""Owns telling whether another program is writing to a SQLite file."""

from __future__ import annotations

import apsw

from marea.config.settings import SystemSettings
from marea.connectors.sqlite.address import path
from marea.connectors.sqlite.file import translated
from marea.ports import Writers

WAIT_MS = 200
"""How long a writer is waited for: most end sooner, and then none is open."""

# A second back: stamps are whole seconds, and one written right after a run must not be that run's horizon.
_NOW = "SELECT (julianday('now') - 2440587.5) * 86400 - 1"

HIDDEN = (
    "the login may not write to the file, and only who may can tell whether another program is writing: "
    "let `lag` be longer than transactions last, or give the right"
)


def writers(system: SystemSettings) -> Writers:
    """The one writer that a file can have, unnamed and undated, where it does not end while we wait.

    The right to write is taken and given back at once. Raises SystemUnreachable.
    """
    with translated(system):
        asked, others = _tried(path(system))
    return Writers(asked, others) if others is not None else Writers(asked, hidden=HIDDEN)


def _tried(file: str) -> tuple[float, dict[str, float | None] | None]:
    """When it was asked, and who has the right to write; None where we may not have it either."""
    connection = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # What lies in the log is no business of ours.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(WAIT_MS)
        asked = float(next(connection.execute(_NOW))[0])
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return asked, {"writer": None}
        except apsw.ReadOnlyError:
            return asked, None
        connection.execute("ROLLBACK")
        return asked, {}
    finally:
        connection.close(True)
