"""Owns the translation of the server's and the driver's errors into Marea's own."""

from __future__ import annotations

import re

import pymysql

from marea.connectors.failures import Kind, translated, turned_away, unreachable
from marea.connectors.mysql.options import Login
from marea.errors import MareaError

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
    Kind.DATA: frozenset(
        {1048, 1118, 1153, 1216, 1217, 1264, 1265, 1292, 1300, 1364, 1366, 1406, 1411, 1451, 1452, 1525, 1526}
        | {1644, 1690, 3140, 3156, 3819, 4025}
    ),
}
"""Error numbers of the server; 2000 to 2999 are the driver's. All others are faults of the statement."""

_COLUMN = re.compile(r"(?:[Cc]olumn|Field) (?:`[^`]*`\.`[^`]*`\.)?[`'](?P<name>[^`']+)[`']")


def kind(number: int) -> Kind:
    """What an error number asks of the caller."""
    return next((kind for kind, numbers in _NUMBERS.items() if number in numbers), Kind.STATEMENT)


def number_of(error: Exception) -> int:
    """The number of an error; 0, a lost connection, for what carries none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(error, pymysql.Error) and isinstance(first, int) else 0


def translate(error: Exception, login: Login, *, writing: bool) -> MareaError:
    """The error as Marea's own; its code is the server's number. Data is refused only where it is written."""
    number = number_of(error)
    words = _words(error, login)
    column = _COLUMN.search(words)
    return translated(
        kind(number),
        login.system,
        login.address,
        words,
        code=str(number),
        field=column["name"] if column else "",
        writing=writing,
    )


_TURNED_AWAY = {
    1044: ("user", "give the login rights on the database, or correct its name"),
    1045: ("password", "correct the user or the password"),
    1049: ("url", "correct the name of the database"),
    1698: ("password", "correct the user or the password"),
}
"""What a server that lets nobody in answers of its databases and logins: the option meant, the next step."""


def refused_login(error: Exception, login: Login) -> MareaError:
    """A failure to connect: the next run may succeed, but for what only a correction mends."""
    words = _words(error, login)
    if turned := _TURNED_AWAY.get(number_of(error)):
        place, hint = turned
        return turned_away(login.settings, f"{login.address.shown}: {words}", hint, place)
    return unreachable(login.system, login.address, words)


def _words(error: Exception, login: Login) -> str:
    """What the server or the driver said, without its number."""
    said = str(error.args[1] if len(error.args) > 1 else error)
    return login.address.clean(said) or "the connection was closed"
