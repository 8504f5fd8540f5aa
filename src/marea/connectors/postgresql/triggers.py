"""Owns the change table and the triggers of PostgreSQL.

One trigger a statement, whatever number of rows it changes. Its function runs with the rights of
whoever installed it, so that the ERP's logins need none. It must not fail a statement of the ERP: where
the change table is gone, or a column has another name now, it says that any record may differ, or
nothing, which the next run tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from marea.capabilities import Watched
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.connectors.triggers import Made, Triggers
from marea.sql.dialect import Query
from marea.sql.noted import CHANGES

CHANNEL = "marea"
"""What triggers notify, where no transaction can be prepared for a commit in two phases: that would fail."""

VIEWS = "vm"
"""What the catalog calls views."""
PARTED = (
    "triggers here watch plain tables, and this one is parted or lives elsewhere",
    "choose another capture",
)
"""Why a table of another kind cannot be watched, and what instead."""

PLACE = """
SELECT n.nspname || '.' || c.relname AS place, CAST(c.relkind AS text) AS kind
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass({})"""
"""Schema and name of a table, and its kind."""

LOGIN = f"""
SELECT CAST(s.name AS text) AS schema, {PostgresqlDialect.login} AS login,
  coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(c.oid, 'DELETE'), false) AS granted
FROM (SELECT coalesce(current_schema(), 'public') AS name) s
JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = '{CHANGES}'"""
"""The schema of the change table, the login quoted, and whether it may read and delete there."""

_EVENTS = {
    "i": "INSERT ON {table} REFERENCING NEW TABLE AS marea_new",
    "u": "UPDATE ON {table} REFERENCING OLD TABLE AS marea_old NEW TABLE AS marea_new",
    "d": "DELETE ON {table} REFERENCING OLD TABLE AS marea_old",
    "t": "TRUNCATE ON {table}",
}

_MADE = """
SELECT CAST(c.relname AS text) AS name, CAST(c.oid AS text) AS mark, '' AS place
FROM pg_catalog.pg_class c WHERE c.relnamespace = {schema} AND c.relname = '{changes}' AND c.relkind = 'r'
UNION ALL
SELECT CAST(p.proname AS text), CAST(p.oid AS text), ''
FROM pg_catalog.pg_proc p WHERE p.pronamespace = {schema} AND p.proname LIKE 'marea\\_%\\_f'
UNION ALL
SELECT CAST(t.tgname AS text), CAST(t.oid AS text) || '/' || CAST(t.xmin AS text),
  n.nspname || '.' || c.relname
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgname LIKE 'marea\\_%' AND t.tgenabled IN ('O', 'A')"""

_FUNCTION = """
BEGIN
  IF pg_catalog.to_regclass({regclass}) IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'TRUNCATE' OR (SELECT count(*) FROM pg_catalog.pg_attribute
      WHERE attrelid = TG_RELID AND attname IN ({columns}) AND NOT attisdropped) <> {count} THEN
    {all};
  ELSIF TG_OP = 'INSERT' THEN
    {insert} {distinct} {named}, {values} FROM marea_new r WHERE {present};
  ELSIF TG_OP = 'DELETE' THEN
    {insert} {distinct} {named}, {values} FROM marea_old r WHERE {present};
  ELSE
    {insert} SELECT {named}, q.noted FROM (
      SELECT {values} AS noted FROM marea_new r WHERE {present}
      UNION SELECT {values} FROM marea_old r WHERE {present}) q;
  END IF;
  IF FOUND AND pg_catalog.current_setting('max_prepared_transactions') = '0' THEN
    PERFORM pg_catalog.pg_notify('{channel}', {entity});
  END IF;
  RETURN NULL;
END
"""


_ALWAYS = """
DO {tag}
BEGIN
  ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
EXCEPTION WHEN insufficient_privilege THEN
  NULL;
END
{tag}"""
"""Has a trigger fire for what a loader writes, too; that is for who owns the table, and others do without."""


class PostgresqlTriggers(Triggers):
    """One change table in a schema; a function and four triggers for each watched table."""

    events = ("f", "i", "u", "d", "t")

    def __init__(
        self, dialect: PostgresqlDialect, schema: str, places: Mapping[str, str], login: str, *, granted: bool
    ) -> None:
        """`places`: table -> its schema and name; `login` quoted; `granted`: it may read and delete."""
        super().__init__(dialect)
        self._schema = schema
        self._places = places
        self._login = login
        self._granted = granted

    def place(self, table: Watched) -> str:
        """Its schema and name."""
        return self._places[table.table.name]

    def changes(self) -> str:
        """In the schema of the login."""
        return f"{self.dialect.quote(self._schema)}.{CHANGES}"

    def made(self) -> Query:
        """From the catalogs; a trigger that was switched off is not there, and then is another one."""
        schema = f"(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {self.text(self._schema)})"
        return Query(_MADE.format(schema=schema, changes=CHANGES))

    def making_table(self) -> list[str]:
        """Its key serves the one question that every run asks: what is there of an entity."""
        columns = "id bigint GENERATED ALWAYS AS IDENTITY, entity text NOT NULL, path text NOT NULL"
        more = "noted text, at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp()"
        rows = f"{columns}, {more}, PRIMARY KEY (entity, id)"
        return [f"CREATE TABLE IF NOT EXISTS {self.changes()} ({rows})"]

    def dropping_table(self) -> list[str]:
        """The table alone."""
        return [f"DROP TABLE IF EXISTS {self.changes()}"]

    def granting(self) -> list[str]:
        """What the login of Marea needs of the table."""
        return [] if self._granted else [f"GRANT SELECT, DELETE ON {self.changes()} TO {self._login}"]

    def making(self, table: Watched, names: Sequence[str]) -> list[str]:
        """The function, then the triggers, which fire for replicated and restored rows too."""
        stem = names[0][:-1]
        function = f"{self.dialect.quote(self._schema)}.{self.dialect.quote(f'{stem}f')}()"
        on = self.dialect.table(self.place(table))
        body = self._body(table)
        tag = "$marea$" if "$marea$" not in body else "$marea_change$"
        rights = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
        made = f"{function} RETURNS trigger LANGUAGE plpgsql {rights} AS {tag}{body}{tag}"
        found = [f"CREATE OR REPLACE FUNCTION {made}", f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC"]
        for event in (name[-1] for name in names if name[-1] in _EVENTS):
            name, fires = self.dialect.quote(f"{stem}{event}"), _EVENTS[event].format(table=on)
            each = f"FOR EACH STATEMENT EXECUTE FUNCTION {function}"
            found += [
                f"DROP TRIGGER IF EXISTS {name} ON {on}",
                f"CREATE TRIGGER {name} AFTER {fires} {each}",
                _ALWAYS.format(tag="$marea$", table=on, name=name),
            ]
        return found

    def dropping(self, names: Iterable[str], made: Mapping[str, Made]) -> list[str]:
        """The triggers, then their functions, of which those of a dropped table have no trigger left."""
        quote = self.dialect.quote
        triggers, functions = [], []
        for name in names:
            if made[name].table:
                triggers.append(
                    f"DROP TRIGGER IF EXISTS {quote(name)} ON {self.dialect.table(made[name].table)}"
                )
            else:
                functions.append(f"DROP FUNCTION IF EXISTS {quote(self._schema)}.{quote(name)}()")
        return triggers + functions

    def _body(self, table: Watched) -> str:
        read = [f"r.{self.dialect.quote(column.name)}" for column in table.columns]
        single = len(read) == 1
        values = (
            f"pg_catalog.to_json({read[0]})" if single else f"pg_catalog.json_build_array({', '.join(read)})"
        )
        named = f"{self.text(table.entity)}, {self.text(table.path)}"
        parts = {
            "regclass": self.text(self.changes()),
            "columns": ", ".join(self.text(column.name) for column in table.columns),
            "count": str(len({column.name for column in table.columns})),
            "all": self.noting_all(table.entity),
            "insert": f"INSERT INTO {self.changes()} (entity, path, noted)",
            "distinct": "SELECT DISTINCT" if table.path else "SELECT",
            "named": named,
            "values": f"CAST({values} AS text)",
            "present": " AND ".join(f"{name} IS NOT NULL" for name in read),
            "channel": CHANNEL,
            "entity": self.text(table.entity),
        }
        return _FUNCTION.format(**parts)
