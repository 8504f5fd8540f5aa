"""Owns the digests that a source makes of an entity's records, and the SELECTs that compare them as a whole.

A digest is one whole number: the bucket of the record's key, times `HASHES`, and the hashes of all of its
rows added up, of the root's and of every related one, modulo `HASHES`. So it is the same whether the source
adds them up, set by set, or whoever has read the rows, each with its hash.
"""

from __future__ import annotations

from collections.abc import Sequence

from marea.ports import DIGEST, Column
from marea.sql.aggregate import Relation
from marea.sql.dialect import HASHES, Query
from marea.sql.parts import Parts, Text, filtered, integer_column

BUCKET = "$bucket"  # from 0, below `BUCKETS`
ROWS = "$rows"  # how many
TOTAL = "$total"  # of the hashes, modulo `HASHES`; null of no rows

TOTAL_COLUMNS = (integer_column(ROWS), integer_column(TOTAL))
BUCKET_COLUMNS = (integer_column(BUCKET), *TOTAL_COLUMNS)


class Digests(Parts):
    """Composes the queries over the digests of all records; rows without a key are none."""

    def total(self) -> Query:
        """One row of `TOTAL_COLUMNS` over all records."""
        return self._query(f"SELECT {self._totals()} FROM ({self._hashes()}) x")

    def buckets(self) -> Query:
        """The rows of `BUCKET_COLUMNS`, one a bucket that has records."""
        bucket = f"{self.bucket()} AS marea_b"
        grouped = f"SELECT marea_b AS {self.quote(BUCKET)}, {self._totals()}"
        return self._query(f"{grouped} FROM ({self._hashes(bucket)}) x GROUP BY marea_b")

    def keyed(self, buckets: Sequence[int] | None) -> Query:
        """Key columns and DIGEST of the records of some buckets, or of all; in no order."""
        within = "" if buckets is None else f"{self.bucket()} IN ({', '.join(map(str, buckets))})"
        digest = f"{self.bucket()} * {HASHES} + {self._hash()} AS {self.quote(DIGEST)}"
        selects = ", ".join([*self.read("r", self.aggregate.key), digest])
        return self._query(f"SELECT {selects} FROM {self._rows(within)}")

    def keyed_columns(self) -> tuple[Column, ...]:
        """The columns of `keyed`, in order."""
        return (*self.aggregate.key, integer_column(DIGEST))

    def _query(self, text: str) -> Query:
        return Text(self.dialect).query(text)

    def _totals(self) -> str:
        total = self.dialect.hash_total("marea_h")
        return f"count(*) AS {self.quote(ROWS)}, {total} AS {self.quote(TOTAL)}"

    def _hashes(self, *beside: str) -> str:
        selects = ", ".join([*beside, f"{self._hash()} AS marea_h"])
        return f"SELECT {selects} FROM {self._rows()}"

    def _hash(self) -> str:
        """What all rows of a record add up to."""
        it = self.aggregate
        own = self.hashed("r", (*it.key, *it.columns), it.stamp, self._salt)
        return _sum(own, len(it.relations))

    def _rows(self, within: str = "") -> str:
        """The root rows that have a key, each beside what its related rows add up to."""
        keyed = [f"{name} IS NOT NULL" for name in self.key_names()]
        rows = self._joined(self.roots(), "r", self.aggregate.relations)
        return f"{rows}{filtered([self.where(), *keyed, within])}"

    def _joined(self, rows: str, alias: str, relations: Sequence[Relation]) -> str:
        """Rows with the totals of these relations beside them, as x0, x1 and so on."""
        for place, relation in enumerate(relations):
            on = " AND ".join(
                f"x{place}.j{index} = {self._as(own, above, alias)}"
                for index, (own, above) in enumerate(relation.on)
            )
            rows = f"{rows} LEFT JOIN ({self._related(relation)}) x{place} ON {on}"
        return rows

    def _as(self, own: Column, above: Column, alias: str) -> str:
        """A column of the table above, as what the relation's own is compared with when it is read."""
        name = f"{alias}.{self.quote(above.name)}"
        return name if own.native == above.native else self.dialect.cast(name, own.native)

    def _related(self, relation: Relation) -> str:
        """A SELECT of what the rows of a relation add up to, by what joins them to the table above."""
        names = self.names("c", self.own(relation))
        selects = ", ".join(f"{name} AS j{index}" for index, name in enumerate(names))
        hashes = _sum(self.related_hash(relation, self._salt), len(relation.children))
        rows = self._joined(f"{self.table(relation)} c", "c", relation.children)
        where = filtered([f"({relation.where})" if relation.where else ""])
        total = self.dialect.hash_total(hashes)
        return f"SELECT {selects}, {total} AS marea_h FROM {rows}{where} GROUP BY {', '.join(names)}"

    @property
    def _salt(self) -> int:
        return self.salt or 0


def _sum(own: str, relations: int) -> str:
    """The hash of a row and the totals of its relations, modulo `HASHES`."""
    if not relations:
        return own
    totals = " + ".join(f"COALESCE(x{place}.marea_h, 0)" for place in range(relations))
    return f"({own} + {totals}) % {HASHES}"
