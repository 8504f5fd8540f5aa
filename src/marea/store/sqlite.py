"""Owns how the state is kept in a SQLite file, through apsw: the only SQLite library of the process."""

from __future__ import annotations

import os
import threading
from array import array
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import apsw

from marea.errors import ConfigurationError, MareaError, RunStopped, SystemUnreachable
from marea.store.database import Database, Row

if TYPE_CHECKING:
    import pyarrow as pa

LOCK_MS = 30_000
ROWS = 100

# WAL with synchronous=NORMAL: a commit is in the operating system's hands when it returns, so a killed
# process loses nothing and leaves nothing half done. A power cut may take back the last transactions,
# each as a whole and latest first: position, ledger and journal still agree, and the next run delivers
# again what they covered, which changes nothing at a target that has it (I6).
SETTINGS = """
PRAGMA page_size = 16384;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -8000;
PRAGMA temp_store = MEMORY;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
"""

# A place is where a text begins and, in the lower 31 bits, its length; both count bytes.
APPEND_PAYLOADS = """
INSERT INTO payload (id, body)
SELECT :first + rowid - 1, CAST(substr(:bodies, (value >> 31) + 1, value & 2147483647) AS TEXT)
FROM carray(:places)
"""
LARGEST = 100_000_000
"""Bytes of one blob, unless a single text has more."""


class SqliteDatabase(Database):
    """A connection to a SQLite file, made when there is none."""

    words: Mapping[str, str] = {
        "identity": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "int": "INTEGER",
        "key": "TEXT",
        "float": "REAL",
        "row": "INTEGER PRIMARY KEY",
        "plain": "STRICT",
        "clustered": "STRICT, WITHOUT ROWID",
        "temporary": "",
        "asked_keys": "carray(:asked) AS asked",
        "asked_ids": "carray(:asked) AS asked",
        "stamp_number": "CAST(stamp AS numeric)",  # of the number it begins with
        "intended": "json_each(intent.keys) AS intended",
        "given": "json_each(intent.given) AS given",
        "as_asked": "",  # the array is what is read first, from its beginning
    }

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        if not _has_folder(path):
            raise ConfigurationError.single(
                f"the folder of the state file does not exist: {Path(path).parent}",
                field="state",
                hint="create it, or name another file",
            )
        _refuse_empty(path)
        with self._translated():
            self._connection = apsw.Connection(path)
            self._connection.set_busy_timeout(LOCK_MS)
            # The one built in folds ASCII letters only; a text searched for may have others.
            self._connection.create_scalar_function("lower", _lower, 1, deterministic=True)
            # Read to the end: execution stops at each statement that answers, and most of these do.
            self._connection.execute(SETTINGS).fetchall()

    def _execute(self, text: str, parameters: Mapping[str, object]) -> list[Row]:
        bound = cast("dict[str, apsw.SQLiteValue]", parameters)
        return list(self._connection.execute(text, bound))

    def _bind(self, values: pa.Array) -> object:
        import pyarrow as pa

        if pa.types.is_integer(values.type):
            return apsw.carray(array("q", values.fill_null(-1).to_pylist()))
        return apsw.carray(tuple(values.fill_null("").to_pylist()))

    def _script(self, text: str) -> None:
        self._connection.execute(text)

    def _clear_batch(self) -> None:
        self._connection.execute("DELETE FROM batch")

    def append_payloads(self, first: int, bodies: pa.ChunkedArray) -> None:
        """One blob of all and where each text lies in it: no Python object a text, no hold on others."""
        for texts in bodies.chunks:
            for piece in _pieces(texts):
                places = apsw.carray(_places(piece))
                bound = {"first": first, "bodies": piece.buffers()[2], "places": places}
                self._connection.execute(APPEND_PAYLOADS, bound)
                first += len(piece)

    def _load(self, name: str, table: pa.Table) -> None:
        # Many rows a statement, and what is the same in all of them bound once: half the time of one by one.
        same = [column for column in table.column_names if _is_constant(table[column])]
        varying = [column for column in table.column_names if column not in same]
        head = f"INSERT INTO {name} ({', '.join(same + varying)}) VALUES "
        marks = [f"?{place}" for place in range(1, len(same) + 1)] + ["?"] * len(varying)
        row = f"({', '.join(marks)})"
        shared = [table[column][0].as_py() for column in same]
        values = chain.from_iterable(zip(*(table[column].to_pylist() for column in varying), strict=True))
        for start in range(0, table.num_rows, ROWS):
            count = min(ROWS, table.num_rows - start)
            bound = (*shared, *islice(values, count * len(varying)))
            self._connection.execute(head + ", ".join([row] * count), bound)

    @contextmanager
    def _begin(self, write: bool) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _exclude(self) -> None:
        """A transaction that writes has the file to itself."""

    def _has_table(self, name: str) -> bool:
        with self._translated():
            # Asks the file: what SQLite remembers of it another process may just have changed.
            found = self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,))
            return bool(found.fetchall())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as error:
            raise self._translate(error) from error

    def _translate(self, error: apsw.Error) -> MareaError:
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return SystemUnreachable(
                "state", f"{self._path} stayed locked by another process", hint="run again when that is done"
            )
        for kinds, what, hint in STOPS:
            if isinstance(error, kinds):
                message = f"the state {self._path} {what}: {error}"
                return RunStopped(message, where="state", hint=hint, code="state")
        return RunStopped(f"the state {self._path} failed: {error}", where="state", code="state")

    def _close(self) -> None:
        self._connection.close()


STOPS: tuple[tuple[tuple[type[apsw.Error], ...], str, str], ...] = (
    (
        (apsw.CorruptError, apsw.NotADBError),
        "is damaged or no state at all",
        "put back its last backup: the next run finds what has changed since",
    ),
    ((apsw.FullError,), "has no room", "make room on the disk and run again: nothing is half written"),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError, apsw.CantOpenError, apsw.AuthError),
        "cannot be written",
        "give this user the right to write the file and its folder",
    ),
    ((apsw.IOError,), "cannot be read or written", "look at the disk, then run again"),
)


def _pieces(texts: pa.Array) -> Iterator[pa.Array]:
    """The texts in parts that SQLite takes as one blob."""
    if len(texts) < 2 or texts.nbytes <= LARGEST:
        yield from [texts] if len(texts) else []
    else:
        middle = len(texts) // 2
        yield from _pieces(texts.slice(0, middle))
        yield from _pieces(texts.slice(middle))


def _places(texts: pa.Array) -> memoryview:
    import pyarrow as pa
    from pyarrow import compute as pc

    bounds = pa.Array.from_buffers(
        pa.int32(), len(texts) + 1, [None, texts.buffers()[1]], offset=texts.offset
    ).cast(pa.int64())
    starts = bounds.slice(0, len(texts))
    places = pc.bit_wise_or(pc.shift_left(starts, 31), pc.subtract(bounds.slice(1), starts))
    return memoryview(places.buffers()[1]).cast("q")


def _is_constant(column: pa.ChunkedArray) -> bool:
    """Whether all values are the same and none is null; decided at a glance for most columns."""
    from pyarrow import compute as pc

    if len(column) < 2 or column.null_count or column[0] != column[-1]:
        return False
    return bool(pc.all(pc.equal(column, column[0])).as_py())


def _has_folder(path: str) -> bool:
    try:
        return Path(path).parent.is_dir()
    except PermissionError:
        return True  # and SQLite says what it may not do there


def _refuse_empty(path: str) -> None:
    """Raises RunStopped for a file that lost what was in it: a state that is made is never seen empty."""
    file = Path(path)
    with suppress(FileNotFoundError, PermissionError):  # SQLite says what it may not do there
        if file.stat().st_size == 0:
            raise RunStopped(
                f"the state {path} is damaged: the file is empty",
                where="state",
                hint="put back its last backup, or remove it to begin anew: all is delivered again",
                code="state",
            )
        return
    _make(file)


def _make(file: Path) -> None:
    """Puts a new database into place in one step: another process sees all of it or none."""
    draft = file.with_name(f"{file.name}-new-{os.getpid()}-{threading.get_ident()}")
    with suppress(apsw.Error, OSError):  # what keeps it from being made is told when it is opened
        try:
            with closing(apsw.Connection(str(draft))) as connection:
                connection.execute(SETTINGS).fetchall()
            os.link(draft, file)
        finally:
            draft.unlink(missing_ok=True)


def _lower(*texts: apsw.SQLiteValue) -> apsw.SQLiteValue:
    (text,) = texts
    return text.lower() if isinstance(text, str) else text
