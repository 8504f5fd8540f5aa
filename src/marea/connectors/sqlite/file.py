"""Owns the opening of a SQLite file and the translation of its library's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from marea.config.names import nearest
from marea.config.settings import SystemSettings
from marea.connectors.session import DuplicateKey
from marea.connectors.sqlite.address import path
from marea.connectors.sqlite.dialect import HASH
from marea.connectors.sqlite.hashing import hashed
from marea.errors import BatchRefused, ConfigurationError, MareaError, SystemUnreachable

BUSY_MS = 5_000
"""How long a statement waits for another program that is writing."""

_PASSING = (apsw.CantOpenError, apsw.IOError, apsw.FullError, apsw.NoMemError, apsw.InterruptError)
_BROKEN = (apsw.NotADBError, apsw.CorruptError)
_DATA = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, OverflowError, UnicodeError)
_BUSY = (apsw.BusyError, apsw.LockedError)
_DUPLICATE = (
    apsw.SQLITE_CONSTRAINT_UNIQUE,
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
    apsw.SQLITE_CONSTRAINT_ROWID,
)


def opened(system: SystemSettings, *, write: bool) -> apsw.Connection:
    """A connection to the file; only to write is it made when it is not there."""
    modes = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if write else apsw.SQLITE_OPEN_READONLY
    if not write:
        _find(system)
    with translated(system):
        connection = apsw.Connection(path(system), flags=modes)
    with translated(system):
        connection.set_busy_timeout(BUSY_MS)
        connection.create_scalar_function(HASH, hashed, deterministic=True)
        connection.pragma("schema_version")  # reads the file for the first time: is it a database?
        if write:
            connection.pragma("foreign_keys", True)
    return connection


def _find(system: SystemSettings) -> None:
    """Raises ConfigurationError for a file that is missing where its folder is there.

    A folder that is missing may be a share that is not mounted now, which SQLite itself tells.
    """
    file = Path(path(system))
    if file.parent.is_dir() and not file.exists() and not file.is_symlink():
        hint = nearest(file.name, _files(file.parent)) or "correct the path"
        raise ConfigurationError([system.fault(f"there is no file {file}", "url", hint)])


def _files(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError:  # it may be entered and not listed
        return []


@contextmanager
def translated(system: SystemSettings, *, write: bool = False) -> Iterator[None]:
    """Raises Marea's errors for those of the library; only what is written can be refused as data."""
    try:
        yield
    except (apsw.Error, OverflowError, UnicodeError) as error:
        raise _translated(system, error, write) from None


def _translated(system: SystemSettings, error: Exception, write: bool) -> MareaError:
    text = str(error)
    if isinstance(error, _BUSY):
        hint = "another program is writing to the file; run again when it is done"
        return SystemUnreachable(system.name, f"{path(system)}: {text}", hint=hint)
    if isinstance(error, _PASSING):
        hint = "check the path, its rights and the free space"
        return SystemUnreachable(system.name, f"{path(system)}: {text}", hint=hint)
    if isinstance(error, _BROKEN):
        return ConfigurationError.single(f"{path(system)} of system {system.name}: {text}", line=system.line)
    if write and isinstance(error, _DATA):
        return _refused(error)
    return ConfigurationError.single(
        f"{system.name} rejects the SQL: {text}", hint="correct the expression, condition or name"
    )


def _refused(error: Exception) -> BatchRefused:
    extended = getattr(error, "extendedresult", 0)
    kind = DuplicateKey if extended in _DUPLICATE else BatchRefused
    name = type(error).__name__.removesuffix("Error").lower()
    return kind(str(error), code=name, field=_column(str(error)))


def _column(text: str) -> str:
    """`name` of `NOT NULL constraint failed: customers.name`."""
    head, _, names = text.partition("constraint failed: ")
    return names.rpartition(".")[2] if head.startswith("NOT NULL") else ""
