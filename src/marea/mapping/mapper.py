"""Owns the mapping of batches: from aggregates as read to records in the target's shape."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from marea.config.settings import EntitySettings
from marea.mapping.compiler import IDS, ROWS, Compiler, Mapping, ids_name, rows_name
from marea.model import Problem
from marea.ports import KEY, STAMP, Shape
from marea.sql import duck
from marea.sql.aggregate import Aggregate, Relation, link
from marea.sql.pages import PARENT

JSON = {b"marea": b"json"}

LookUp = Callable[[str, pa.Array], pa.Table]
"""(entity, keys) -> key, target_id, delivered: what the ledger knows of referenced records."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Records in the target's shape: the columns of `Mapping`, and those no expression could take."""

    records: pa.Table
    failed: Dictionary[str, Problem] = field(default_factory=dict)
    """Key -> why the engine could not compute this record."""


class Mapper:
    """Maps batches of one entity; serves one thread."""

    def __init__(self, file: str, entity: EntitySettings, aggregate: Aggregate) -> None:
        self._aggregate = aggregate
        self._engine = duck.connect()
        self._register_empty(entity)
        self.mapping: Mapping = Compiler(file, entity, aggregate, self._engine).compile()
        self.shape = Shape(
            entity=entity.name,
            object=entity.target.object,
            key=entity.target.key,
            fields=self._fields(),
            options=entity.target.options,
        )

    def map(self, root: pa.Table, related: Dictionary[str, pa.Table], look_up: LookUp) -> Mapped:
        """The batch in the target's shape. A record that cannot be computed fails alone (I8)."""
        import duckdb

        for path, rows in related.items():
            self._engine.register(rows_name(path), _counted(rows, self._relation(path)))
        self._engine.register(rows_name(""), root)
        try:
            self._look_up(look_up)
            return Mapped(self._engine.sql(self.mapping.sql).to_arrow_table())
        except duckdb.Error as error:
            return self._halves(root, related, look_up, error)

    def _halves(
        self, root: pa.Table, related: Dictionary[str, pa.Table], look_up: LookUp, error: Exception
    ) -> Mapped:
        if root.num_rows == 1:
            key = root.column(KEY)[0].as_py()
            text = str(error).splitlines()[0]
            empty = self._engine.sql(f"SELECT * FROM ({self.mapping.sql}) LIMIT 0")
            return Mapped(empty.to_arrow_table(), {key: Problem("expression", text)})
        middle = root.num_rows // 2
        first = self.map(root.slice(0, middle), related, look_up)
        second = self.map(root.slice(middle), related, look_up)
        return Mapped(pa.concat_tables([first.records, second.records]), {**first.failed, **second.failed})

    def _look_up(self, look_up: LookUp) -> None:
        wanted: dict[str, list[pa.Array]] = {}
        for reference in self.mapping.references:
            keys = self._engine.sql(reference.sql).to_arrow_table().column("k").combine_chunks()
            wanted.setdefault(reference.entity, []).append(keys.drop_null())
        for entity, arrays in wanted.items():
            keys = pc.unique(pa.concat_arrays(arrays))
            self._engine.register(ids_name(entity), look_up(entity, keys))

    def _relation(self, path: str) -> Relation:
        return next(line[-1] for line in self._aggregate.lineages() if line[-1].path == path)

    def _register_empty(self, entity: EntitySettings) -> None:
        links = [(link(relation.path), pa.int32()) for relation in self._aggregate.relations]
        own = [(column.name, column.type) for column in self._aggregate.columns]
        root = pa.schema([*own, (STAMP, pa.string()), (KEY, pa.string()), *links])
        self._engine.register(rows_name(""), root.empty_table())
        for line in self._aggregate.lineages():
            self._engine.register(rows_name(line[-1].path), _relation_schema(line[-1]).empty_table())
        ids = pa.schema(list(zip(IDS, (pa.string(), pa.string(), pa.bool_()), strict=True)))
        for reference in entity.references():
            self._engine.register(ids_name(reference.entity), ids.empty_table())

    def _fields(self) -> pa.Schema:
        names = [name for name, _ in self.mapping.fields]
        listed = ", ".join(duck.quote(name) for name in names)
        schema = (
            self._engine.sql(f"SELECT {listed} FROM ({self.mapping.sql}) LIMIT 0").to_arrow_table().schema
        )
        json = {name for name, type_ in self.mapping.fields if type_ == "JSON"}
        return pa.schema(
            [pa.field(item.name, item.type, metadata=JSON if item.name in json else None) for item in schema]
        )


def _relation_schema(relation: Relation) -> pa.Schema:
    stamp = [(STAMP, pa.string())] if relation.stamp else []
    links = [(link(child.path), pa.int32()) for child in relation.children]
    own = [(column.name, column.type) for column in relation.columns]
    return pa.schema([(PARENT, pa.int64()), *own, *stamp, *links, (ROWS, pa.int64())])


def _counted(rows: pa.Table, relation: Relation) -> pa.Table:
    """Rows with ROWS: how many their parent has; of a one-relation one row a parent is kept."""
    parents = rows.column(PARENT)
    if relation.many or pc.count_distinct(parents).as_py() == rows.num_rows:
        return rows.append_column(ROWS, pa.repeat(pa.scalar(1, pa.int64()), rows.num_rows))
    counted = rows.append_column("$n", pa.array(range(rows.num_rows), pa.int64()))
    groups = counted.group_by(PARENT).aggregate([("$n", "min"), ("$n", "count")])
    kept = rows.take(groups.column("$n_min"))
    return kept.append_column(ROWS, groups.column("$n_count").cast(pa.int64()))
