"""Owns the reading of whole aggregates: a page of root rows with all its related rows, keys attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marea.errors import ConfigurationError
from marea.model import Cause
from marea.ports import KEY, MISFIT, Reader
from marea.sql.aggregate import Relation, link
from marea.sql.dialect import Query
from marea.sql.keys import key_texts
from marea.sql.pages import PARENT, Pages

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 2_500
"""Records the first batches have: a run of one page works side by side too, and costs little more."""


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
    """How many records the source gave, or was asked for in vain: each ends as exactly one outcome (I5)."""
    absent: tuple[str, ...] = ()
    """Keys (JSON text) that were asked for and are not in the source, within the entity's filter."""
    misfits: Mapping[str, Misfit] = field(default_factory=dict)
    """Key (JSON text) -> the first value of that record that could not be read."""


class BatchReader:
    """Reads batches of about `rows` records within one moment of an entity's source; serves one thread."""

    def __init__(self, pages: Pages, reader: Reader, rows: int) -> None:
        self.pages = pages
        self.reader = reader
        self.rows = rows

    def read(self, query: Query, cause: Cause) -> Iterator[Batch]:
        """The batches of a query over root rows, in its order."""
        for page in _begun(self.reader.stream(query, self.pages.columns(), self.rows)):
            # Counted as the source gave them, before anything could lose one.
            yield self._batch(page, cause, page.num_rows)

    def listed(self, keys: Sequence[str], cause: Cause) -> Iterator[Batch]:
        """The records of keys (JSON text, none twice), then a batch of those that are not there."""
        for start in range(0, len(keys), self.rows):
            asked = dict.fromkeys(keys[start : start + self.rows])
            for batch in self.read(self.pages.keys(f"[{','.join(asked)}]"), cause):
                for key in batch.root.column(KEY).to_pylist():
                    asked.pop(key, None)
                yield batch
            if asked:
                yield self._batch(self._no_rows(), cause, len(asked), tuple(asked))

    def _batch(self, page: pa.Table, cause: Cause, detected: int, absent: tuple[str, ...] = ()) -> Batch:
        aggregate = self.pages.aggregate
        page, found = _taken(page, "")
        root = page.append_column(KEY, key_texts([page.column(column.name) for column in aggregate.key]))
        related: dict[str, pa.Table] = {}
        for relation in aggregate.relations:
            root, inside = self._fetch(root, relation, related)
            found = {**inside, **found}
        return Batch(root, related, cause, detected, absent, _by_key(root, found))

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
        into[relation.path] = rows
        return above.append_column(link(relation.path), distinct.indices), _lifted(found, rows, distinct)

    def _rows_of(self, relation: Relation, keys: pa.Array) -> pa.Table:
        import pyarrow as pa

        columns = self.pages.related_columns(relation)
        schema = pa.schema([(column.name, column.type) for column in columns])
        if not len(keys):
            return schema.empty_table()
        query = self.pages.related(relation, f"[{','.join(keys.to_pylist())}]")
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
    """What was found by the key of its record. Raises ConfigurationError where that is unreadable itself."""
    by_key = {root.column(KEY)[row].as_py(): misfit for row, misfit in found.items()}
    nameless = by_key.get(None)
    if nameless is not None:
        raise ConfigurationError.single(
            f'key column "{nameless.column}" ({nameless.type}) holds {nameless.value}, which it cannot hold',
            hint="correct the value: a record without a key cannot even be rejected",
        )
    return by_key
