"""Owns the translation of the server's and the driver's errors into Marea's own."""

from __future__ import annotations

import re
from enum import Enum, auto

import pymysql

from marea.connectors.mysql.options import Login
from marea.connectors.relational import Contended, DuplicateKey
from marea.errors import BatchRefused, ConfigurationError, MareaError, SystemUnreachable


class Kind(Enum):
    """What an error asks of the caller."""

    LOST = auto()
    """The connection is gone."""
    AWAY = auto()
    """The server cannot serve now; the connection may still be good."""
    CONTENDED = auto()
    DUPLICATE = auto()
    DATA = auto()
    STATEMENT = auto()
    """The SQL is wrong, or the login may not run it."""


_NUMBERS = {
    Kind.LOST: frozenset(
        {0, 1053, 1077, 1080, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013, 2014, 2026, 2055}
        | {3169, 4031}
    ),
    Kind.AWAY: frozenset(
        {1021, 1030, 1037, 1038, 1040, 1041, 1114, 1129, 1203, 1206, 1226, 1290, 1317, 1836, 1969, 3024, 3100}
    ),
    Kind.CONTENDED: frozenset({1020, 1205, 1213}),
    Kind.DUPLICATE: frozenset({1022, 1062, 1586}),
}
"""Error numbers of the server; 2000 and above are the driver's."""

_CODES = {
    1048: "null",
    1364: "null",
    1264: "range",
    1690: "range",
    1406: "too_long",
    1118: "too_long",
    1153: "too_long",
    1216: "reference",
    1217: "reference",
    1451: "reference",
    1452: "reference",
    1644: "refused",
    3819: "check",
    4025: "check",
    1265: "value",
    1292: "value",
    1300: "value",
    1366: "value",
    1525: "value",
    1526: "value",
    1411: "value",
    3140: "value",
    3156: "value",
}
"""Faults of the data -> the code of the refusal."""

_COLUMN = re.compile(r"(?:[Cc]olumn|Field) (?:`[^`]*`\.`[^`]*`\.)?[`'](?P<name>[^`']+)[`']")


def kind(number: int) -> Kind:
    """What an error number asks of the caller."""
    if number in _CODES:
        return Kind.DATA
    return next((kind for kind, numbers in _NUMBERS.items() if number in numbers), Kind.STATEMENT)


def number_of(error: Exception) -> int:
    """The number of an error; 0, a lost connection, for what carries none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(error, pymysql.Error) and isinstance(first, int) else 0


def translate(error: Exception, login: Login, *, writing: bool) -> MareaError:
    """The error as Marea's own: data can only be refused where it is written."""
    number = number_of(error)
    words = login.address.clean(str(error.args[1] if len(error.args) > 1 else error or "connection lost"))
    meaning = kind(number)
    if meaning in (Kind.LOST, Kind.AWAY):
        return unreachable(login, words)
    if meaning is Kind.CONTENDED:
        return Contended(login.system, words, hint="run again; nothing is lost")
    if writing and meaning is Kind.DUPLICATE:
        return DuplicateKey(words, code="duplicate")
    if writing and meaning is Kind.DATA:
        column = _COLUMN.search(words)
        return BatchRefused(words, code=_CODES[number], field=column["name"] if column else "")
    hint = "check the SQL of the configuration and the rights of the login"
    return ConfigurationError.single(f"system {login.system} says: {words}", hint=hint)


def refused_login(error: Exception, login: Login) -> SystemUnreachable:
    """Every failure to connect: whatever the reason, the next run may succeed."""
    words = str(error.args[1] if len(error.args) > 1 else error)
    return unreachable(login, login.address.clean(words))


def unreachable(login: Login, words: str) -> SystemUnreachable:
    """The system is away, in one sentence with the next step."""
    hint = f"check that {login.address.shown} is up and that its login is right, then run again"
    return SystemUnreachable(login.system, words, hint=hint)
