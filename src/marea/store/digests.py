"""Owns reading the digests of a ledger: of which content the source's records have been evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from marea.store.database import Database

if TYPE_CHECKING:
    import pyarrow as pa

_HALF = 2**26
_CONTENTS = 2**52


class Digests:
    """The digests of one entity's records; those that are gone have none. Reads see what was committed."""

    def __init__(self, database: Database, entity: int) -> None:
        self._database = database
        self._entity = entity

    def total(self) -> tuple[int, tuple[int, int]]:
        """How many records have no digest; how many have one, and the sum of their contents modulo 2^52."""
        [(records, known, high, low)] = self._database.rows("digest_total", entity=self._entity)
        return records - known, (known, _content(high, low))

    def buckets(self) -> dict[int, tuple[int, int]]:
        """Bucket -> its records that have a digest, and the sum of their contents modulo 2^52."""
        found = self._database.rows("digest_buckets", entity=self._entity)
        return {bucket: (count, _content(high, low)) for bucket, count, high, low in found}

    def lacking(self, rows: int) -> Iterator[list[str]]:
        """The keys (JSON text) of records without a digest, in order, `rows` at a time."""
        after = None
        while found := self._database.rows("without_digest", entity=self._entity, most=rows, after=after):
            after = found[-1][0]
            yield [key for (key,) in found]

    def within(self, buckets: Sequence[int] | None) -> pa.Table:
        """Key (utf8) and digest (int64) of the records of these buckets, or of all that have a digest."""
        import pyarrow as pa

        if buckets is None:
            found = self._database.rows("digests", entity=self._entity)
        else:
            found = self._database.match("digests", pa.array(buckets, pa.int64()), entity=self._entity)
        keys, digests = zip(*found, strict=True) if found else ((), ())
        return pa.table({"key": pa.array(keys, pa.string()), "digest": pa.array(digests, pa.int64())})

    def of(self, keys: pa.Array) -> pa.Table:
        """One row a key, in the order given: digest (int64), and there (bool): whether its record is."""
        import pyarrow as pa

        found = self._database.match("digests_of", keys, entity=self._entity)
        digests, there = zip(*found, strict=True) if found else ((), ())
        columns = {"digest": pa.array(digests, pa.int64()), "there": pa.array(map(bool, there), pa.bool_())}
        return pa.table(columns)


def _content(high: Any, low: Any) -> int:
    """A sum of contents from those of its halves, each null of none."""
    return (int(high or 0) * _HALF + int(low or 0)) % _CONTENTS
