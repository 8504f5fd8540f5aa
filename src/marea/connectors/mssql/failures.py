"""Owns the translation of the driver's errors into Marea's own, by their class and their words."""

from __future__ import annotations

from enum import Enum, auto

from marea.connectors.mssql.options import Login
from marea.connectors.relational import Contended, DuplicateKey
from marea.errors import BatchRefused, ConfigurationError, MareaError, SystemUnreachable


class Kind(Enum):
    """What an error asks of the caller."""

    LOST = auto()
    AWAY = auto()
    CONTENDED = auto()
    DUPLICATE = auto()
    DATA = auto()
    STATEMENT = auto()


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
    meaning = kind(error)
    if meaning in (Kind.LOST, Kind.AWAY):
        hint = f"check that {login.address.shown} is up and that its login is right, then run again"
        return SystemUnreachable(login.system, words, hint=hint)
    if meaning is Kind.CONTENDED:
        return Contended(login.system, words, hint="run again; nothing is lost")
    if writing and meaning in (Kind.DUPLICATE, Kind.DATA):
        refusal = DuplicateKey if meaning is Kind.DUPLICATE else BatchRefused
        return refusal(words, code=type(error).__name__)
    hint = "check the SQL of the configuration and the rights of the login"
    return ConfigurationError.single(f"system {login.system} says: {words}", hint=hint)
