"""Owns asking PostgreSQL which transactions are open, as far as a login may see them."""

from __future__ import annotations

from marea.connectors.postgresql.link import Link
from marea.ports import Writers

# `now()` is read before the first row. Of a session that the login may not look into everybody may see
# the lock that its transaction has on itself; a prepared transaction has no session, and tells only when
# it was prepared. Where a session has gone on between the two views its transaction is over, and seen.
# Vacuum has no user, and writes no rows.
_QUERY = """
SELECT CAST(extract(epoch FROM now()) AS float8) AS asked, pg_is_in_recovery() AS standby, o.name, o.since
FROM (SELECT 1) AS one LEFT JOIN (
  SELECT CASE WHEN a.xact_start IS NULL THEN l.virtualtransaction
    ELSE concat(a.pid, '@', CAST(extract(epoch FROM a.xact_start) AS text)) END AS name,
    CAST(extract(epoch FROM a.xact_start) AS float8) AS since
  FROM pg_catalog.pg_stat_activity a LEFT JOIN LATERAL (
    SELECT virtualtransaction FROM pg_catalog.pg_locks
    WHERE locktype = 'virtualxid' AND pid = a.pid AND a.query = '<insufficient privilege>'
  ) l ON true
  WHERE a.datname = current_database() AND a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()
  UNION ALL
  SELECT concat('prepared ', transaction), NULL FROM pg_catalog.pg_prepared_xacts
  WHERE database = current_database()
) AS o ON o.name IS NOT NULL
"""

STANDBY = (
    "this server is a standby, which knows nothing of the transactions of its primary: "
    "read the primary, or let `lag` be longer than they last"
)


def writers(link: Link) -> Writers:
    """The transactions in this database besides the session's own. Raises SystemUnreachable."""
    rows = link.run(_QUERY).to_pylist()
    open_ = {row["name"]: row["since"] for row in rows if row["name"] is not None}
    return Writers(rows[0]["asked"], open_, STANDBY if rows[0]["standby"] else "")
