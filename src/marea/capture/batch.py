"""Owns the reading of whole aggregates: a page of root rows with all its related rows, keys attached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from marea.capture.adding import beside, whole
from marea.capture.horizon import Before
from marea.model import Cause
from marea.ports import KEY, MISFIT, Reader
from marea.sql.aggregate import Relation, link
from marea.sql.dialect import Query
from marea.sql.keys import key_texts
from marea.sql.pages import PARENT, Pages
from marea.sql.parts import spelt

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 2_500
"""Records the first batches have: a run of one page works side by side too, and costs little more."""

SPELT = 10_000
"""Keys that are respelt at once, however few records a batch has."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value of a record that its column's type cannot hold; it was read as null."""

    relation: str
    """The path of the related table it stands in; empty for the root."""
    column: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Aggregates read at one moment.

    `root` holds the columns of `Pages.columns` and KEY; `related` maps a relation's path
    to its rows, whose PARENT points at the `link` column of the table above.
    """

    root: pa.Table
    related: Mapping[str, pa.Table]
    cause: Cause
    detected: int
    """How many records the source gave, or was asked for in vain: each ends as exactly one outcome (I5).

    A row without a key is no record; rows of one key are one.
    """
    absent: tuple[str, ...] = ()
    """Keys (JSON text) that were asked for and are not in the source, within the entity's filter."""
    outside: frozenset[str] = frozenset()
    """Those of `absent` that are in the source all the same, outside the filter."""
    misfits: Mapping[str, Misfit] = field(default_factory=dict)
    """Key (JSON text) -> the first value of that record that could not be read."""
    repeated: Mapping[str, int] = field(default_factory=dict)
    """Key (JSON text) -> how many rows of the source have it, where there are several; the root has one."""
    keyless: int = 0
    """Rows that were left out: a part of their key is NULL, or cannot be read."""
    digests: pa.Array | None = None
    """The digest of each row of `root` with all that is related to it; null where its key is repeated.

    Of the rows that were read, each of which came with its own. None where they had none.
    """


class BatchReader:
    """Reads batches of about `rows` records within one moment of an entity's source; serves one thread.

    `before` is what was asked directly before that moment; None where nobody asked, and no position moves.
    """

    def __init__(self, pages: Pages, reader: Reader, rows: int, before: Before | None = None) -> None:
        self.pages = pages
        self.reader = reader
        self.rows = rows
        self.before = before

    def everything(self, after: str | None, cause: Cause) -> Iterator[Batch]:
        """All records in key order; with `after`, a key as JSON text, only those behind it."""
        # Asked once for all: a batch a question would have an unguarded table read once a batch.
        yield from self._read(self.pages.everything(after), cause, self._repeated(None))

    def read(self, query: Query, cause: Cause) -> Iterator[Batch]:
        """The batches of a query over root rows, in its order."""
        yield from self._read(query, cause, None)

    def _read(self, query: Query, cause: Cause, repeated: Mapping[str, int] | None) -> Iterator[Batch]:
        for page in _begun(self.reader.stream(query, self.pages.columns(), self.rows)):
            yield self._batch(page, cause, repeated)

    def listed(self, keys: Sequence[str], cause: Cause) -> Iterator[Batch]:
        """The records of keys (JSON text, none twice), then a batch of those that are not there."""
        for start in range(0, len(keys), self.rows):
            asked = dict.fromkeys(keys[start : start + self.rows])
            for batch in self.read(self.pages.keys(f"[{','.join(asked)}]"), cause):
                for key in batch.root.column(KEY).to_pylist():
                    asked.pop(key, None)
                yield batch
            if asked:
                nothing = self._batch(self._no_rows(), cause, {})
                absent, outside = tuple(asked), frozenset(self._outside(list(asked)))
                yield replace(nothing, detected=len(absent), absent=absent, outside=outside)

    def _outside(self, keys: Sequence[str]) -> Iterator[str]:
        """Those of some keys that are not within the filter which root rows have outside it."""
        if self.pages.aggregate.where is None:
            return
        asked = set(keys)
        query = self.pages.anywhere(f"[{','.join(keys)}]")
        for page in self.reader.stream(query, self.pages.aggregate.key, self.rows):
            yield from asked.intersection(self._keys(page).to_pylist())

    def led_to(self, path: str, values: Sequence[str]) -> Iterator[str]:
        """The keys of the root rows that a relation's rows lead to, by the JSON texts of what joins them."""
        query = self.pages.led_to(path, f"[{','.join(values)}]")
        for page in self.reader.stream(query, self.pages.aggregate.key, self.rows):
            yield from self._keys(page).drop_null().to_pylist()

    def spelt(self, keys: Sequence[str]) -> list[str]:
        """Keys (JSON texts) that the source itself wrote, as Marea writes them: the source reads its own."""
        columns = self.pages.aggregate.key
        found: dict[str, None] = {}
        for start in range(0, len(keys), SPELT):
            query = spelt(self.pages.dialect, columns, f"[{','.join(keys[start : start + SPELT])}]")
            for page in self.reader.stream(query, columns, SPELT):
                found.update(dict.fromkeys(self._keys(page).drop_null().to_pylist()))
        return list(found)

    def upto(self, keys: Sequence[str], last: str) -> list[str]:
        """Those of some keys (JSON texts) whose root rows come no later than `last` in key order."""
        found: list[str] = []
        for start in range(0, len(keys), self.rows):
            query = self.pages.keys_upto(f"[{','.join(keys[start : start + self.rows])}]", last)
            for page in self.reader.stream(query, self.pages.aggregate.key, self.rows):
                found += self._keys(page).to_pylist()
        return found

    def _batch(self, page: pa.Table, cause: Cause, repeated: Mapping[str, int] | None) -> Batch:
        """`repeated` are the keys of several rows, among others; None where they are to be asked for."""
        rows = self._keyed(page)
        keyless = page.num_rows - rows.num_rows
        if repeated is None:
            repeated = self._repeated(rows.column(KEY))
        root, repeated = _once(rows, repeated)
        # Counted as the source gave them, before the related tables could lose or add one.
        detected = root.num_rows
        root, found = _taken(root, "")
        related: dict[str, pa.Table] = {}
        for relation in self.pages.aggregate.relations:
            root, inside = self._fetch(root, relation, related)
            found = {**inside, **found}
        misfits = _by_key(root, found)
        digests = None
        if self.pages.salt is not None:
            root, digests = whole(root, repeated)
        return Batch(
            root,
            related,
            cause,
            detected,
            misfits=misfits,
            repeated=repeated,
            keyless=keyless,
            digests=digests,
        )

    def _keyed(self, page: pa.Table) -> pa.Table:
        """The rows that have a key, with KEY."""
        rows = page.append_column(KEY, self._keys(page))
        return rows.filter(rows.column(KEY).is_valid()) if rows.column(KEY).null_count else rows

    def _keys(self, rows: pa.Table) -> pa.Array:
        return key_texts([rows.column(column.name) for column in self.pages.aggregate.key])

    def _repeated(self, keys: pa.ChunkedArray | None) -> dict[str, int]:
        """Keys that several rows have, and how many do, of all or among some; none where they are guarded."""
        if self.pages.aggregate.guarded or (keys is not None and not len(keys)):
            return {}
        among = _listed(keys.unique()) if keys is not None else None
        found: dict[str, int] = {}
        for page in self.reader.stream(self.pages.repeated(among), self.pages.aggregate.key, self.rows):
            suspects = self._keys(page).drop_null()
            if len(suspects):
                found.update(self._counted(suspects))
        return found

    def _counted(self, suspects: pa.Array) -> dict[str, int]:
        """Those that several rows have indeed: the source may compare keys less exactly than we do."""
        rows = self.reader.stream(self.pages.keys(_listed(suspects)), self.pages.columns(), self.rows)
        numbers = Counter(key for page in rows for key in self._keys(page).to_pylist())
        return {key: number for key, number in numbers.items() if number > 1}

    def _no_rows(self) -> pa.Table:
        import pyarrow as pa

        return pa.schema([(column.name, column.type) for column in self.pages.columns()]).empty_table()

    def _fetch(
        self, above: pa.Table, relation: Relation, into: dict[str, pa.Table]
    ) -> tuple[pa.Table, dict[int, Misfit]]:
        """Read a relation's rows for the rows above it; gives these with their link column, and misfits."""
        values = key_texts([above.column(parent.name) for _, parent in relation.on])
        distinct = values.dictionary_encode()
        rows, found = _taken(self._rows_of(relation, distinct.dictionary), relation.path)
        for child in relation.children:
            rows, inside = self._fetch(rows, child, into)
            found = {**inside, **found}
        if self.pages.salt is not None:
            above, rows = beside(above, distinct.indices, rows)
        into[relation.path] = rows
        return above.append_column(link(relation.path), distinct.indices), _lifted(found, rows, distinct)

    def _rows_of(self, relation: Relation, keys: pa.Array) -> pa.Table:
        import pyarrow as pa

        columns = self.pages.related_columns(relation)
        schema = pa.schema([(column.name, column.type) for column in columns])
        if not len(keys):
            return schema.empty_table()
        query = self.pages.related(relation, _listed(keys))
        tables = list(self.reader.stream(query, columns, self.rows))
        return pa.concat_tables(tables, promote_options="default") if tables else schema.empty_table()


def _begun(pages: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The pages, the first one in pieces: the stages that follow need not wait for all of it."""
    first = next(pages, None)
    if first is not None:
        for start in range(0, first.num_rows, PIECE):
            yield first.slice(start, PIECE)
    yield from pages


def _taken(rows: pa.Table, path: str) -> tuple[pa.Table, dict[int, Misfit]]:
    """Rows of a table without MISFIT, and what it tells, by row."""
    if MISFIT not in rows.column_names:
        return rows, {}
    told = enumerate(rows.column(MISFIT).to_pylist())
    return rows.drop_columns([MISFIT]), {row: Misfit(path, **found) for row, found in told if found}


def _lifted(found: Mapping[int, Misfit], rows: pa.Table, links: pa.DictionaryArray) -> dict[int, Misfit]:
    """What was found in related rows, by the row above them."""
    if not found:
        return {}
    parents = rows.column(PARENT).to_pylist()
    by_link = {parents[row]: misfit for row, misfit in found.items()}
    places = enumerate(links.indices.to_pylist())
    return {place: by_link[number] for place, number in places if number in by_link}


def _by_key(root: pa.Table, found: Mapping[int, Misfit]) -> dict[str, Misfit]:
    """What was found by the key of its record."""
    return {root.column(KEY)[row].as_py(): misfit for row, misfit in found.items()}


def _once(rows: pa.Table, repeated: Mapping[str, int]) -> tuple[pa.Table, dict[str, int]]:
    """The first row of each key, and which of these keys are repeated."""
    if not repeated:
        return rows, {}
    import pyarrow as pa

    numbered = pa.table({KEY: rows.column(KEY), "n": pa.array(range(rows.num_rows), pa.int64())})
    first = numbered.group_by(KEY).aggregate([("n", "min")]).sort_by("n_min")
    met = [key for key in first.column(KEY).to_pylist() if key in repeated]
    return rows.take(first.column("n_min")), {key: repeated[key] for key in met}


def _listed(keys: pa.Array) -> str:
    """Keys, JSON texts themselves, as one JSON array."""
    return f"[{','.join(keys.to_pylist())}]"
