"""Owns the reading of whole aggregates: a page of root rows with all its related rows, keys attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.model import Cause
from marea.ports import KEY, Reader
from marea.sql.aggregate import Relation, link
from marea.sql.dialect import Query
from marea.sql.keys import key_texts
from marea.sql.pages import Pages

if TYPE_CHECKING:
    import pyarrow as pa

PAGE_ROWS = 10_000  # large enough for set-based work, small enough for 300 MB in all


@dataclass(frozen=True, slots=True)
class Batch:
    """Aggregates read at one moment.

    `root` holds the columns of `Pages.columns` and KEY; `related` maps a relation's path
    to its rows, whose PARENT points at the `link` column of the table above.
    """

    root: pa.Table
    related: Mapping[str, pa.Table]
    cause: Cause

    @property
    def rows(self) -> int:
        """How many records were read."""
        return int(self.root.num_rows)


class BatchReader:
    """Reads batches of one entity within one moment of its source; serves one thread."""

    def __init__(self, pages: Pages, reader: Reader, rows: int = PAGE_ROWS) -> None:
        self._pages = pages
        self._reader = reader
        self._rows = rows

    def read(self, query: Query, cause: Cause) -> Iterator[Batch]:
        """The batches of a query over root rows, in its order."""
        aggregate = self._pages.aggregate
        names = [column.name for column in aggregate.key]
        for page in self._reader.stream(query, self._pages.columns(), self._rows):
            root = page.append_column(KEY, key_texts([page.column(name) for name in names]))
            related: dict[str, pa.Table] = {}
            for relation in aggregate.relations:
                root = self._fetch(root, relation, related)
            yield Batch(root, related, cause)

    def _fetch(self, above: pa.Table, relation: Relation, into: dict[str, pa.Table]) -> pa.Table:
        """Read a relation's rows for the rows above it; gives these with their link column."""
        values = key_texts([above.column(parent.name) for _, parent in relation.on])
        distinct = values.dictionary_encode()
        rows = self._rows_of(relation, distinct.dictionary)
        for child in relation.children:
            rows = self._fetch(rows, child, into)
        into[relation.path] = rows
        return above.append_column(link(relation.path), distinct.indices)

    def _rows_of(self, relation: Relation, keys: pa.Array) -> pa.Table:
        import pyarrow as pa

        columns = self._pages.related_columns(relation)
        schema = pa.schema([(column.name, column.type) for column in columns])
        if not len(keys):
            return schema.empty_table()
        query = self._pages.related(relation, f"[{','.join(keys.to_pylist())}]")
        tables = list(self._reader.stream(query, columns, self._rows))
        return pa.concat_tables(tables) if tables else schema.empty_table()
