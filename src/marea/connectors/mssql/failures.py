"""Owns the translation of the driver's errors into Marea's own, by their class and their words."""

from __future__ import annotations

from marea.connectors.failures import Kind, translated
from marea.connectors.mssql.options import Login
from marea.errors import MareaError

_LOST = (
    "communication link failure",
    "connection not open",
    "connection failure",
    "unable to establish connection",
    "server rejected the connection",
    "disconnect",
)
_CONTENDED = ("serialization failure", "deadlock", "snapshot isolation transaction aborted", "lock request")
_DUPLICATE = ("cannot insert duplicate key", "violation of primary key", "violation of unique key")


def kind(error: Exception) -> Kind:
    """What an error asks of the caller: the driver gives no numbers, only classes and words."""
    words = str(error).casefold()
    name = type(error).__name__
    if any(text in words for text in _CONTENDED):
        return Kind.CONTENDED
    if any(text in words for text in _LOST):
        return Kind.LOST
    if name == "IntegrityError":
        return Kind.DUPLICATE if any(text in words for text in _DUPLICATE) else Kind.DATA
    return {"DataError": Kind.DATA, "ProgrammingError": Kind.STATEMENT}.get(name, Kind.AWAY)


def translate(error: Exception, login: Login, *, writing: bool) -> MareaError:
    """The error as Marea's own; data can only be refused where it is written."""
    words = login.address.clean(str(error))
    code = type(error).__name__
    return translated(kind(error), login.system, login.address, words, code=code, writing=writing)
