"""Owns what PostgreSQL keeps of its log for an entity: a slot, and a publication of the entity's tables.

Each entity has its own: it commits when it likes, and lets go of the log without a word to others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from marea.capabilities import Watched
from marea.connectors.postgresql.binding import literal
from marea.connectors.postgresql.dialect import PostgresqlDialect

_LETTERS = 40
_PLUGIN = "pgoutput"

# Names that only later servers have are asked for by way of JSON. A partitioned table's rows are those of
# its leaves, which have identities of their own.
_ASKED = """
SELECT CAST(json_build_object(
  'level', current_setting('wal_level'), 'standby', pg_is_in_recovery(), 'login', current_user,
  'mayread', (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
  'system', (SELECT CAST(system_identifier AS text) FROM pg_control_system()),
  'flushed', CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE CAST(pg_current_wal_flush_lsn() AS text) END,
  'slot', (SELECT to_jsonb(s) || jsonb_build_object('here', s.database = current_database())
    FROM pg_replication_slots s WHERE s.slot_name = {name}),
  'publication', (SELECT to_jsonb(p) || jsonb_build_object('oid', p.oid)
    FROM pg_publication p WHERE p.pubname = {name}),
  'tables', (SELECT json_agg(json_build_object(
      'name', t.name, 'oid', CAST(c.oid AS bigint), 'kind', c.relkind, 'temporary', c.relpersistence <> 'p',
      'published', (SELECT to_jsonb(r) || jsonb_build_object('oid', r.oid) FROM pg_publication_rel r
        JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = {name} AND r.prrelid = c.oid),
      'identities', (SELECT json_agg(DISTINCT l.relreplident) FROM pg_class l WHERE l.oid = c.oid
        AND c.relkind <> 'p' OR c.relkind = 'p'
        AND l.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf)),
      'identity', (SELECT json_agg(a.attname) FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident
          ELSE i.indisprimary END),
      'columns', (SELECT json_object_agg(a.attname, json_build_array(a.attnum, a.attgenerated <> ''))
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    ) ORDER BY t.place)
    FROM unnest(CAST({tables} AS text[])) WITH ORDINALITY AS t(name, place)
    LEFT JOIN pg_class c ON c.oid = to_regclass(t.name))
) AS text) AS found
"""


def name_of(database: str, entity: str) -> str:
    """What the slot and the publication of an entity are called; a slot's name holds for the whole server."""
    readable = re.sub("[^a-z0-9]+", "_", entity.lower())[:_LETTERS].strip("_")
    digest = hashlib.sha256(f"{database}\0{entity}".encode()).hexdigest()[:8]
    return f"marea_{readable}_{digest}"


def is_of_slot(statement: str) -> bool:
    """Whether a statement makes or drops a slot, which is done outside of transactions that write."""
    return "_replication_slot(" in statement


def asking(name: str, watched: Sequence[Watched], dialect: PostgresqlDialect) -> str:
    """The query whose one text `Kept` reads."""
    tables = (
        "{" + ",".join(json.dumps(dialect.table(it.table.name), ensure_ascii=False) for it in watched) + "}"
    )
    return _ASKED.replace("{name}", literal(name)).replace("{tables}", literal(tables))


@dataclass(frozen=True)
class Kept:
    """What a server says of the slot, the publication and the tables of an entity."""

    name: str
    watched: tuple[Watched, ...]
    found: dict[str, Any]

    @property
    def slot(self) -> dict[str, Any]:
        """The row of the slot; empty where there is none."""
        return self.found["slot"] or {}

    @cached_property
    def mark(self) -> str:
        """Another text once tables, columns or the publication are others than they were."""
        publication = self.found["publication"] or {}
        tables = [
            [table["oid"], (table["published"] or {}).get("oid"), self._numbers(table, it)]
            for table, it in zip(self.found["tables"], self.watched, strict=True)
        ]
        told = json.dumps([self.found["system"], publication.get("oid"), tables])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _numbers(self, table: dict[str, Any], watched: Watched) -> list[int | None]:
        """The numbers of its columns: a column that takes another's name has not its number."""
        columns = table["columns"] or {}
        return [columns.get(column.name, [None])[0] for column in watched.columns]

    @property
    def broken(self) -> str:
        """Why the slot serves nothing; empty where it does."""
        slot = self.slot
        if not slot:
            return "its slot is gone"
        if slot["plugin"] != _PLUGIN or not slot["here"]:
            return "its slot is none of this database's"
        if slot.get("wal_status") == "lost" or slot["confirmed_flush_lsn"] is None:
            return "its slot fell behind what the server keeps of its log"
        reason = slot.get("invalidation_reason")
        return f"its slot was given up by the server ({reason})" if reason else ""

    # -- what is lacking, and the statements ------------------------------------------

    def lacking(self) -> list[str]:
        """What the log capture lacks, one sentence each; a slot is none of it, since runs make their own."""
        found, said = self.found, []
        if found["standby"]:
            said.append("this server is a standby: read the log of its primary")
        if found["level"] != "logical":
            said.append(
                f"wal_level is {found['level']}: an administrator runs ALTER SYSTEM SET wal_level = logical "
                "and restarts the server"
            )
        if not found["mayread"]:
            said.append(f"the login may not read the log: ALTER ROLE {self._login} REPLICATION")
        said += [text for _, text in self._tables_lacking()]
        publication = found["publication"]
        if publication is None:
            said.append(f"there is no publication {self.name}")
        elif not self._publishes_all(publication):
            said.append(f"publication {self.name} leaves out tables, rows or kinds of changes")
        return said

    def unfit(self) -> list[str]:
        """Tables of which no log tells, one sentence each."""
        said = []
        for table, it in zip(self.found["tables"], self.watched, strict=True):
            columns = table["columns"] or {}
            made = ", ".join(c.name for c in it.columns if columns.get(c.name, [0, False])[1])
            if table["kind"] not in ("r", "p") or table["temporary"]:
                said.append(
                    f"{it.table.name} is no table that the log tells of: a view, foreign, or unlogged"
                )
            elif made:
                said.append(
                    f"the log does not carry the generated column {', '.join(made)} of {it.table.name}"
                )
        return said

    def installing(self) -> list[str]:
        """The statements that make what is lacking, in order.

        Identities come first: a published table without one refuses every UPDATE and DELETE.
        """
        statements = list(dict.fromkeys(statement for statement, _ in self._tables_lacking()))
        tables = ", ".join(dict.fromkeys(table["name"] for table in self.found["tables"]))
        publication = self.found["publication"]
        renews = publication is None or not self._publishes_all(publication)
        if renews:
            if publication is not None:
                statements.append(f'DROP PUBLICATION "{self.name}"')
            statements.append(
                f'CREATE PUBLICATION "{self.name}" FOR TABLE {tables} '
                "WITH (publish = 'insert, update, delete, truncate'"
                f"{', publish_via_partition_root = true' if self._partitioned else ''})"
            )
        if self.slot and (renews or self.broken):
            # It could not read what was written while its publication was another one.
            statements.append(self.dropping())
        if renews or self.broken:
            statements.append(self.making())
        return statements

    def removing(self) -> list[str]:
        """The statements that remove what is there, in order. Identities stay: they may be others' too."""
        slot = [self.dropping()] if self.slot and self.slot["here"] else []
        return [*slot, *([f'DROP PUBLICATION "{self.name}"'] if self.found["publication"] else [])]

    def making(self) -> str:
        """The statement that makes the slot."""
        return f"SELECT slot_name FROM pg_create_logical_replication_slot({literal(self.name)}, '{_PLUGIN}')"

    def dropping(self) -> str:
        """The statement that drops it."""
        return f"SELECT CAST(pg_drop_replication_slot({literal(self.name)}) AS text)"

    @property
    def _login(self) -> str:
        return PostgresqlDialect().quote(self.found["login"])

    @property
    def _partitioned(self) -> bool:
        return any(table["kind"] == "p" for table in self.found["tables"])

    def _publishes_all(self, publication: dict[str, Any]) -> bool:
        kinds = ("pubinsert", "pubupdate", "pubdelete", "pubtruncate")
        every = publication["puballtables"]
        return (
            all(publication[kind] for kind in kinds)
            and (not self._partitioned or publication.get("pubviaroot", False))
            and all(every or _whole(table["published"]) for table in self.found["tables"])
        )

    def _tables_lacking(self) -> list[tuple[str, str]]:
        """Statement and sentence for each table whose log would not tell what a row was before."""
        found = []
        for table, it in zip(self.found["tables"], self.watched, strict=True):
            if table["oid"] is not None and not _tells(table, it):
                statement = f"ALTER TABLE {table['name']} REPLICA IDENTITY FULL"
                said = f"the log does not tell to which record a row of {it.table.name} belonged before: "
                found.append((statement, said + statement))
        return found


def _whole(published: dict[str, Any] | None) -> bool:
    """Whether a table is published with all its rows and columns."""
    return published is not None and not published.get("prqual") and not published.get("prattrs")


def _tells(table: dict[str, Any], watched: Watched) -> bool:
    """Whether the log tells the watched values of a row before it was changed."""
    identities = set(table["identities"] or ())
    if identities <= {"f"}:
        return True
    if "f" in identities or "n" in identities or (table["kind"] == "p" and "i" in identities):
        return False
    return {column.name for column in watched.columns} <= set(table["identity"] or ())
