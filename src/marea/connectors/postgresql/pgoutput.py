"""Owns the messages of PostgreSQL's logical decoding (`pgoutput`, protocol 1): bytes in, values out.

Protocol 2 differs from it in one thing alone, that transactions may be streamed before they commit: that
is not asked for. Whatever is not exactly a message is refused: what is guessed could lead to a wrong record.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from marea.connectors.postgresql.messages import (
    UNCHANGED,
    Absent,
    Begin,
    Column,
    Commit,
    Delete,
    Identity,
    Insert,
    Message,
    Note,
    Origin,
    Relation,
    Truncate,
    Type,
    Update,
    Values,
)


class Malformed(ValueError):
    """Bytes that are no message of the protocol."""


def message(data: bytes) -> Message:
    """The message that these bytes are, all of them. Raises Malformed."""
    read = _READERS.get(data[:1])
    if read is None:
        raise Malformed(f"no message begins with {data[:1]!r}")
    cursor = _Cursor(data)
    found = read(cursor)
    cursor.end()
    return found


_BEGIN = Struct(">QqI")
_COMMIT = Struct(">BQQq")
_LSN = Struct(">Q")
_OID = Struct(">I")
_NOTE = Struct(">BQ")
_COUNT = Struct(">H")
_LENGTH = Struct(">i")
_COLUMN = Struct(">Ii")


class _Cursor:
    """A place in a message; every step is checked to lie within it."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 1

    def take(self, form: Struct) -> tuple[int, ...]:
        end = self._place + form.size
        if end > len(self._data):
            raise Malformed("it ends too early")
        found = form.unpack_from(self._data, self._place)
        self._place = end
        return found

    def byte(self) -> bytes:
        return self.piece(1)

    def piece(self, length: int) -> bytes:
        end = self._place + length
        if length < 0 or end > len(self._data):
            raise Malformed("it ends too early")
        found = self._data[self._place : end]
        self._place = end
        return found

    def text(self) -> str:
        """A text that a zero byte ends."""
        end = self._data.find(b"\0", self._place)
        if end < 0:
            raise Malformed("a text has no end")
        found = self._data[self._place : end]
        self._place = end + 1
        return _decoded(found)

    def values(self) -> Values:
        """The columns of a row."""
        (count,) = self.take(_COUNT)
        return tuple([self._value() for _ in range(count)])

    def _value(self) -> bytes | Absent | None:
        kind = self.byte()
        if kind == b"t":
            return self.piece(*self.take(_LENGTH))
        if kind == b"n":
            return None
        if kind == b"u":
            return UNCHANGED
        # Binary values (b) are not asked for: they would not be the texts that keys are made of.
        raise Malformed(f"no value is of the kind {kind!r}")

    def end(self) -> None:
        if self._place != len(self._data):
            raise Malformed("it goes on behind its end")


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Malformed("a name is no UTF-8") from None


def _begin(cursor: _Cursor) -> Begin:
    return Begin(*cursor.take(_BEGIN))


def _commit(cursor: _Cursor) -> Commit:
    flags, commit, end, at = cursor.take(_COMMIT)
    if flags or end < commit:
        raise Malformed("a commit has flags that are not known, or ends before it begins")
    return Commit(commit, end, at)


def _origin(cursor: _Cursor) -> Origin:
    (commit,) = cursor.take(_LSN)
    return Origin(commit, cursor.text())


def _relation(cursor: _Cursor) -> Relation:
    (id_,) = cursor.take(_OID)
    schema, name = cursor.text() or "pg_catalog", cursor.text()
    letter = cursor.byte()
    identity = next((it for it in Identity if it.value.encode() == letter), None)
    if identity is None:
        raise Malformed(f"no table has the identity {letter!r}")
    (count,) = cursor.take(_COUNT)
    return Relation(id_, schema, name, identity, tuple([_column(cursor) for _ in range(count)]))


def _column(cursor: _Cursor) -> Column:
    flags = cursor.byte()
    if flags not in (b"\0", b"\1"):
        raise Malformed("a column has flags that are not known")
    name = cursor.text()
    type_, modifier = cursor.take(_COLUMN)
    return Column(name, type_, modifier, flags == b"\1")


def _type(cursor: _Cursor) -> Type:
    (id_,) = cursor.take(_OID)
    return Type(id_, cursor.text() or "pg_catalog", cursor.text())


def _insert(cursor: _Cursor) -> Insert:
    (relation,) = cursor.take(_OID)
    _expect(cursor.byte(), b"N")
    return Insert(relation, cursor.values())


def _update(cursor: _Cursor) -> Update:
    (relation,) = cursor.take(_OID)
    kind = cursor.byte()
    key = cursor.values() if kind == b"K" else None
    old = cursor.values() if kind == b"O" else None
    _expect(cursor.byte() if kind in (b"K", b"O") else kind, b"N")
    return Update(relation, cursor.values(), key, old)


def _delete(cursor: _Cursor) -> Delete:
    (relation,) = cursor.take(_OID)
    kind = cursor.byte()
    if kind == b"K":
        return Delete(relation, key=cursor.values())
    _expect(kind, b"O")
    return Delete(relation, old=cursor.values())


def _truncate(cursor: _Cursor) -> Truncate:
    (count,) = cursor.take(_OID)
    options = cursor.byte()[0]
    if options > 3:
        raise Malformed("a truncate has options that are not known")
    relations = cursor.take(Struct(f">{count}I")) if count < _MOST_TABLES else ()
    if len(relations) != count:
        raise Malformed("a truncate names too many tables")
    return Truncate(relations, bool(options & 1), bool(options & 2))


_MOST_TABLES = 1 << 16
"""More than any database truncates at once: a number that is none is told before room is made for it."""


def _note(cursor: _Cursor) -> Note:
    flags, at = cursor.take(_NOTE)
    if flags > 1:
        raise Malformed("a note has flags that are not known")
    prefix = cursor.text()
    return Note(bool(flags), at, prefix, cursor.piece(*cursor.take(_LENGTH)))


def _expect(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise Malformed(f"a row begins with {found!r}, not {wanted!r}")


_READERS: dict[bytes, Callable[[_Cursor], Message]] = {
    b"B": _begin,
    b"C": _commit,
    b"O": _origin,
    b"R": _relation,
    b"Y": _type,
    b"I": _insert,
    b"U": _update,
    b"D": _delete,
    b"T": _truncate,
    b"M": _note,
}
