"""Owns the SELECTs that read an entity from its source: pages of root rows, and related rows."""

from __future__ import annotations

from marea.ports import DIGEST, STAMP, Column
from marea.sql.aggregate import Relation
from marea.sql.dates import LOOKED_AT
from marea.sql.dialect import Query
from marea.sql.parts import Parts, Text, behind, filtered, integer_column, text_column

PARENT = "$parent"  # which key of the key list a related row belongs to, counted from 0


class Pages(Parts):
    """Composes the queries that read one entity. Rows come as `Parts.columns` says."""

    def everything(self, after: str | None) -> Query:
        """All root rows in key order; with `after`, a key as JSON text, only those behind it."""
        text = Text(self.dialect)
        conditions = [self.where()]
        if after is not None:
            conditions.append(behind(self.key_names(), self.key_values(text, after)))
        return text.query(f"{self.select(text)}{filtered(conditions)} ORDER BY {', '.join(self.key_names())}")

    def keys(self, keys: str) -> Query:
        """The root rows of a JSON array of keys, in no order; rows that are gone are missing."""
        text = Text(self.dialect)
        return text.query(f"{self.select(text, among=keys)}{filtered([self.where()])}")

    def anywhere(self, keys: str) -> Query:
        """The key columns of the root rows of a JSON array of keys, outside the filter too."""
        text = Text(self.dialect)
        return text.query(self._keys_of(self.rows(text, keys)))

    def keys_upto(self, keys: str, last: str) -> Query:
        """The key columns of those of a JSON array of keys that come no later than `last` in key order."""
        text = Text(self.dialect)
        rows = self.rows(text, keys)
        within = f"NOT ({behind(self.key_names(), self.key_values(text, last))})"
        return text.query(f"{self._keys_of(rows)}{filtered([self.where(), within])}")

    def led_to(self, path: str, values: str) -> Query:
        """The key columns of the root rows that rows of a relation lead to; each at least once.

        `values` is a JSON array of the values that join the rows to the table above.
        """
        text = Text(self.dialect)
        line = self.aggregate.line(path)
        rows = self.roots()
        above = [parent for _, parent in line[-1].on]
        if len(line) == 1:
            rows = self.listed(text, rows, values, self.names("r", above), self.own(line[-1]))
        else:
            source = f"{self.table(line[-2])} c"
            found = self._joining(
                line[-2], self.listed(text, source, values, self.names("c", above), self.own(line[-1]))
            )
            for outer, inner in zip(line[-3::-1], line[-2:0:-1], strict=True):
                pairs = self._pairs("x", "c", inner)
                found = self._joining(outer, f"{self.table(outer)} c JOIN ({found}) x ON {pairs}")
            rows = f"{rows} JOIN ({found}) f ON {self._pairs('f', 'r', line[0])}"
        return text.query(f"{self._keys_of(rows)}{filtered([self.where()])}")

    def _keys_of(self, rows: str) -> str:
        return f"SELECT {', '.join(self.read('r', self.aggregate.key))} FROM {rows}"

    def _joining(self, relation: Relation, rows: str) -> str:
        """A SELECT of the values (j0, j1, …) that join rows of a relation, under `c`, to the table above."""
        names = self.names("c", self.own(relation))
        selects = ", ".join(f"{name} AS j{index}" for index, name in enumerate(names))
        return f"SELECT DISTINCT {selects} FROM {rows}"

    def repeated(self, among: str | None) -> Query:
        """The key columns of keys that several root rows have; `among`, a JSON array, asks for these alone.

        Keys that the source takes for equal are one here, however they are spelt.
        """
        text = Text(self.dialect)
        names = ", ".join(self.key_names())
        rows = self.rows(text, among)
        selects = ", ".join(self.read("r", self.aggregate.key))
        return text.query(
            f"SELECT {selects} FROM {rows}{filtered([self.where()])} GROUP BY {names} HAVING count(*) > 1"
        )

    def keyless(self) -> Query:
        """One row `COUNT`: how many of the first `LOOKED_AT` root rows have NULL in their key."""
        empty = " OR ".join(f"{name} IS NULL" for name in self.key_names())
        selects = f"CASE WHEN {empty} THEN 1 END AS one"
        rows = f"SELECT {selects} FROM {self.roots()}{filtered([self.where()])}"
        first = self.dialect.limit(rows, LOOKED_AT)
        return Text(self.dialect).query(f"SELECT count(one) AS seen FROM ({first}) x")

    def matching(self, condition: str) -> Query:
        """The root rows that fulfil a condition in the source's own SQL, in key order."""
        text = Text(self.dialect)
        conditions = filtered([self.where(), f"({condition})"])
        return text.query(f"{self.select(text)}{conditions} ORDER BY {', '.join(self.key_names())}")

    # -- rows of a relation: PARENT, the columns needed, STAMP when it has one, DIGEST where asked for ---

    def related_columns(self, relation: Relation) -> tuple[Column, ...]:
        """The columns of `related`, in order."""
        stamp = (text_column(STAMP),) if relation.stamp else ()
        return (integer_column(PARENT), *relation.columns, *stamp, *self.digest_columns())

    def related(self, relation: Relation, keys: str) -> Query:
        """The rows of a relation whose join values are in a JSON array of such values."""
        text = Text(self.dialect)
        selects = [f"k.marea_n AS {self.quote(PARENT)}", *self.read("c", relation.columns)]
        if relation.stamp:
            selects.append(f"{self.stamp_text(relation.stamp)} AS {self.quote(STAMP)}")
        if self.salt is not None:
            selects.append(f"{self.related_hash(relation, self.salt)} AS {self.quote(DIGEST)}")
        own = self.own(relation)
        rows = self.listed(text, f"{self.table(relation)} c", keys, self.names("c", own), own)
        where = filtered([f"({relation.where})" if relation.where else ""])
        return text.query(f"SELECT {', '.join(selects)} FROM {rows}{where}")
