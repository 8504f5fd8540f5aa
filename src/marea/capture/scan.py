"""Owns the scan: which records differ from what was evaluated last, learnt from digests made in the source.

The ledger knows the digest of the content that it has evaluated of each record. All of them are compared
as one total; where that differs, by the bucket of their keys; in buckets that differ one by one; only
records that differ are read. What is noted of a record is the digest of the very rows it was read as, so
the digests that were compared are a hint like any other, and may be of an earlier moment. Keys are
compared as the texts they are, in no order: no collation has a say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from marea.capture.batch import Batch, BatchReader
from marea.capture.capture import Capture
from marea.capture.names import SCAN
from marea.capture.step import Step
from marea.model import Cause
from marea.ports import DIGEST
from marea.sql.dialect import HASHES
from marea.sql.digests import BUCKET, BUCKET_COLUMNS, ROWS, TOTAL, TOTAL_COLUMNS, Digests
from marea.sql.keys import key_texts
from marea.sql.parts import BUCKETS

if TYPE_CHECKING:
    import pyarrow as pa

POSITION = '{"v":1}'
"""A scan stands nowhere: that it has a position says that the first load is through."""

TOGETHER = 500_000
"""Records whose keys and digests are compared at once: what bounds memory."""

Total = tuple[int, int]
"""How many records, and the sum of their contents modulo `HASHES`."""


class Known(Protocol):
    """The digests of an entity's records that the ledger has (`marea.store.digests`)."""

    def total(self) -> tuple[int, Total]:
        """How many records have no digest, and the total of those that have one."""

    def buckets(self) -> Mapping[int, Total]:
        """Bucket -> the total of its records that have a digest."""

    def lacking(self, rows: int) -> Iterator[list[str]]:
        """The keys of the records that have none, in order, `rows` at a time."""

    def within(self, buckets: Sequence[int] | None) -> pa.Table:
        """Columns key and digest of the records of these buckets, or of all."""

    def of(self, keys: pa.Array) -> pa.Table:
        """One row a key, in the order given: digest, and whether its record is there."""


class Scan(Capture):
    """Finds what differs by comparing digests; serves one run in one thread, whose `batches` have them."""

    name = SCAN

    def __init__(self, batches: BatchReader, known: Known) -> None:
        super().__init__(batches)
        pages = batches.pages
        self._sql = Digests(pages.dialect, pages.aggregate, pages.salt)
        self._known = known

    def start(self, position: str | None) -> str:
        """Nowhere: what a read from now on misses, the next scan finds."""
        return POSITION

    def changes(self, position: str, upto: str | None = None) -> Iterator[Step]:
        """The records that differ; the position stays."""
        for batch in self.differing(Cause.SCAN, upto):
            yield Step(batch, None)

    def brings(self, position: str, key: str) -> bool:
        """Whether the record's digest is another one than the ledger's, or one of both has none."""
        import pyarrow as pa

        known = self._known.of(pa.array([key], pa.string())).to_pylist()[0]
        batches = list(self._batches.listed([key], Cause.SCAN))
        found = [digest for batch in batches if batch.digests for digest in batch.digests.to_pylist()]
        return not found or None in found or found != [known["digest"]]

    def differing(self, cause: Cause, upto: str | None = None) -> Iterator[Batch]:
        """The records that are not as they were evaluated last, new ones, and those that are gone.

        `upto` is a key (JSON text) behind which, in key order, no record is read.
        """
        (lacking, known), total = self._totals()
        # Asked for before any of these is read: what is noted meanwhile would count twice.
        buckets = self._known.buckets() if lacking else None
        read: dict[int, Total] = {}
        if lacking:
            for keys in self._known.lacking(self._batches.rows):
                for batch in self._listed(keys, cause, upto):
                    _add(read, batch)
                    yield batch
        if _summed([known, *read.values()]) == total:
            return
        expected = _together(self._known.buckets() if buckets is None else buckets, read)
        for group in _grouped(self._differing_buckets(expected)):
            yield from self._listed(self._differing_keys(group), cause, upto)

    def _listed(self, keys: list[str], cause: Cause, upto: str | None) -> Iterator[Batch]:
        yield from self._batches.listed(keys if upto is None else self._batches.upto(keys, upto), cause)

    def _totals(self) -> tuple[tuple[int, Total], Total]:
        """What the ledger knows, and what the source has; both are asked at once."""
        with ThreadPoolExecutor(1, "marea-digests") as beside:
            known = beside.submit(self._known.total)
            reader = self._batches.reader
            page = next(reader.stream(self._sql.total(), TOTAL_COLUMNS, 1))
            return known.result(), (page.column(ROWS)[0].as_py(), page.column(TOTAL)[0].as_py() or 0)

    def _differing_buckets(self, expected: Mapping[int, Total]) -> dict[int, int]:
        """Bucket -> the records that source and ledger have of it, whichever has more, where they differ."""
        stream = self._batches.reader.stream(self._sql.buckets(), BUCKET_COLUMNS, BUCKETS)
        found = {
            bucket: (rows, total)
            for page in stream
            for bucket, rows, total in zip(
                *(page.column(n).to_pylist() for n in (BUCKET, ROWS, TOTAL)), strict=True
            )
        }
        nothing = (0, 0)
        pairs = {b: (found.get(b, nothing), expected.get(b, nothing)) for b in {*found, *expected}}
        return {b: max(one[0], other[0]) for b, (one, other) in sorted(pairs.items()) if one != other}

    def _differing_keys(self, buckets: Sequence[int] | None) -> list[str]:
        """The keys of records of some buckets that differ, then those that the source has not, none twice."""
        import pyarrow.compute as pc

        found, known = self._found(buckets), self._known.within(buckets)
        keys, place = found["key"], pc.index_in(found["key"], known["key"])
        same = pc.fill_null(pc.equal(known["digest"].take(place), found["digest"]), False)
        suspects = keys.filter(pc.invert(same)).combine_chunks()
        # Those whose digest the ledger has not were read before all others.
        there = self._known.of(suspects)
        fresh = suspects.filter(pc.invert(pc.and_(there["there"], pc.is_null(there["digest"]))))
        gone = known["key"].filter(pc.invert(pc.is_in(known["key"], keys.combine_chunks())))
        return list(dict.fromkeys([*fresh.to_pylist(), *gone.to_pylist()]))

    def _found(self, buckets: Sequence[int] | None) -> pa.Table:
        """Key and digest of the source's records of some buckets."""
        import pyarrow as pa

        columns = self._sql.keyed_columns()
        key = [column.name for column in self._batches.pages.aggregate.key]
        tables = [pa.table({"key": pa.array([], pa.string()), "digest": pa.array([], pa.int64())})]
        for page in self._batches.reader.stream(self._sql.keyed(buckets), columns, self._batches.rows):
            keys = key_texts([page.column(name) for name in key])
            table = pa.table([pa.chunked_array([keys]), page.column(DIGEST)], names=["key", "digest"])
            tables.append(table.filter(table["key"].is_valid()) if keys.null_count else table)
        return pa.concat_tables(tables)


def _add(read: dict[int, Total], batch: Batch) -> None:
    """Adds the digests of a batch; one that is not known is left out, and its bucket will differ."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if batch.digests is None:
        return
    digests = batch.digests.drop_null()
    bucket = pc.divide(digests, HASHES)
    table = pa.table({"bucket": bucket, "content": pc.bit_wise_and(digests, HASHES - 1)})
    # Of up to 10,000 contents; a sum that wraps around is the same modulo `HASHES`.
    groups = table.group_by("bucket").aggregate([("content", "count"), ("content", "sum")])
    for number, rows, content in zip(*(column.to_pylist() for column in groups.columns), strict=True):
        read[number] = _summed([read.get(number, (0, 0)), (rows, content)])


def _together(known: Mapping[int, Total], read: Mapping[int, Total]) -> dict[int, Total]:
    """What is known by bucket with what was read since."""
    return {
        bucket: _summed([totals[bucket] for totals in (known, read) if bucket in totals])
        for bucket in {*known, *read}
    }


def _summed(totals: Collection[Total]) -> Total:
    return sum(rows for rows, _ in totals), sum(total for _, total in totals) % HASHES


def _grouped(buckets: Mapping[int, int]) -> Iterator[list[int] | None]:
    """Buckets in groups of as many records as are compared at once; None stands for all there are."""
    group: list[int] = []
    rows = 0
    for bucket, number in buckets.items():
        if group and rows + number > TOGETHER:
            yield group
            group, rows = [], 0
        group.append(bucket)
        rows += number
    if group:
        yield None if len(group) == BUCKETS else group
