"""Owns asking SQL Server which transactions are open, as far as a login may see that. Never run."""

from __future__ import annotations

from marea.connectors.mssql.link import Link
from marea.errors import ConfigurationError
from marea.ports import Writers

# Both views tell local time; the difference to UTC of this moment is taken off, to the minute.
ASKED = "SELECT DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) / 1000.0"
OPEN = (
    "SELECT CONCAT('transaction ', t.transaction_id), "
    "DATEDIFF_BIG(millisecond, '1970-01-01', DATEADD(minute, "
    "DATEDIFF(minute, SYSDATETIME(), SYSUTCDATETIME()), t.transaction_begin_time)) / 1000.0 "
    "FROM sys.dm_tran_active_transactions AS t JOIN sys.dm_tran_database_transactions AS d "
    "ON d.transaction_id = t.transaction_id AND d.database_id = DB_ID() "
    "WHERE NOT EXISTS (SELECT 1 FROM sys.dm_tran_session_transactions AS s "
    "WHERE s.transaction_id = t.transaction_id AND s.session_id = @@SPID) "
    "UNION ALL SELECT CONCAT('request ', r.session_id, ' ', r.request_id), "
    "DATEDIFF_BIG(millisecond, '1970-01-01', DATEADD(minute, "
    "DATEDIFF(minute, SYSDATETIME(), SYSUTCDATETIME()), r.start_time)) / 1000.0 "
    "FROM sys.dm_exec_requests AS r WHERE r.database_id = DB_ID() AND r.session_id <> @@SPID"
)

HIDDEN = (
    "the login sees no open transaction but its own: GRANT VIEW SERVER STATE TO the login, "
    "or let `lag` be longer than transactions last"
)


def writers(link: Link) -> Writers:
    """The open transactions and running requests of others in this database. Raises SystemUnreachable."""
    asked = float(link.rows(ASKED)[0][0])
    try:
        return Writers(asked, {str(name): float(start) for name, start in link.rows(OPEN)})
    except ConfigurationError:  # the statement is ours: what it lacks is the right
        link.rollback()
        return Writers(asked, hidden=HIDDEN)
