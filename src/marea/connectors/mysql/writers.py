"""Owns asking MariaDB and MySQL which transactions are open, as far as a login may see them."""

from __future__ import annotations

from collections.abc import Iterator

from marea.connectors.mysql.link import Link
from marea.errors import ConfigurationError
from marea.ports import Writers

FRESH_SECONDS = 0.2
"""How long what was asked holds: the server tells anew only when it was not asked for a tenth of a second."""

_ASKED = "SELECT UNIX_TIMESTAMP(NOW(6))"
# A statement stamps with the time it began at, and may wait long before its transaction begins. Its time
# is told in seconds by MySQL, cut off; it has no name of its own there.
_STATEMENTS = {
    True: "SELECT CONCAT('statement ', query_id), time_ms / 1000 FROM information_schema.processlist",
    False: "SELECT CONCAT('statement ', id), time + 1 FROM information_schema.processlist",
}
_RUNNING = " WHERE command NOT IN ('Sleep', 'Daemon', 'Binlog Dump') AND id <> CONNECTION_ID()"
_TRANSACTIONS = """
SELECT CONCAT('transaction ', trx_id), UNIX_TIMESTAMP(trx_started) FROM information_schema.innodb_trx
WHERE trx_mysql_thread_id <> CONNECTION_ID()
"""

HIDDEN = (
    "the login sees no open transaction but its own: GRANT PROCESS ON *.* TO the login, "
    "or let `lag` be longer than transactions last"
)


def writers(link: Link) -> Writers:
    """The open transactions and running statements of others. Raises SystemUnreachable."""
    now = asked(link) - FRESH_SECONDS
    try:
        return Writers(now, {**dict(_statements(link, now)), **dict(_transactions(link))})
    except ConfigurationError:  # the statements are ours: what they lack is the right
        return Writers(now, hidden=HIDDEN)


def asked(link: Link) -> float:
    """The server's time, in seconds since 1970. Raises SystemUnreachable."""
    return float(link.rows(_ASKED)[0][0] or 0)


def _statements(link: Link, now: float) -> Iterator[tuple[str, float]]:
    for name, seconds in link.rows(_STATEMENTS[link.mariadb] + _RUNNING):
        yield str(name), now - float(seconds or 0)


def _transactions(link: Link) -> Iterator[tuple[str, float]]:
    link.run("SET time_zone = SYSTEM")  # the view tells the server's own time, whatever the session's zone
    try:
        rows = link.rows(_TRANSACTIONS)
    finally:
        link.run("SET time_zone = '+00:00'")
    for name, start in rows:
        yield str(name), float(start or 0)
