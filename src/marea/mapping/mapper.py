"""Owns the mapping of batches: from aggregates as read to records in the target's shape."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from marea.config.settings import EntitySettings
from marea.errors import RunStopped
from marea.flow import PROBLEMS
from marea.mapping.compiler import IDS, Compiler, Keys, Mapping, ids_name
from marea.mapping.joins import ROWS, rows_name
from marea.mapping.rules import EXPRESSION
from marea.mapping.slots import Slots
from marea.ports import KEY, STAMP, Shape
from marea.sql import duck
from marea.sql.aggregate import Aggregate, Relation, link
from marea.sql.arrays import put
from marea.sql.pages import PARENT

JSON = {b"marea": b"json"}

LookUp = Callable[[str, pa.Array], pa.Table]
"""(entity, keys) -> key, target_id, delivered: what the ledger knows of referenced records."""


class Mapper:
    """Maps batches of one entity; serves one thread."""

    def __init__(self, file: str, entity: EntitySettings, aggregate: Aggregate, keys: Keys) -> None:
        """`keys` are the key columns of entities that are referred to, where they are known."""
        self._keys = keys
        self._file = file
        self._entity = entity
        self._aggregate = aggregate
        self._engine = duck.connect()
        self._slots = Slots(self._engine)
        self._open_slots(entity)
        self._alone: dict[str, str] = {}
        self.mapping = self._compiler(guard=False).compile()
        self.shape = Shape(
            entity=entity.name,
            object=entity.target.object,
            key=entity.target.key,
            fields=self._fields(),
            options=entity.target.options,
        )

    def map(self, root: pa.Table, related: Dictionary[str, pa.Table], look_up: LookUp) -> pa.Table:
        """The batch in the target's shape: the columns of `Mapping`, one row a record, in no order.

        A record that cannot be computed has a problem of code `expression` and fails alone
        (I8). Raises RunStopped when the engine itself fails: no record is to blame for that.
        """
        import duckdb

        for path, rows in related.items():
            self._slots.fill(rows_name(path), _counted(rows, self._aggregate.line(path)[-1]))
        self._slots.fill(rows_name(""), root)
        try:
            return self._evaluated(self.mapping, look_up)
        except duckdb.Error:
            return self._apart(root, look_up)

    def _evaluated(self, mapping: Mapping, look_up: LookUp) -> pa.Table:
        self._look_up(mapping, look_up)
        return self._slots.ask(mapping.sql)

    def _apart(self, root: pa.Table, look_up: LookUp) -> pa.Table:
        """The batch once more, guarded: the records that cannot be computed are told from the others."""
        import duckdb

        try:
            records = self._evaluated(self._guarded, look_up)
        except duckdb.Error as error:
            raise self._stopped(_line(error)) from None
        problems = records.column(PROBLEMS).to_pylist()
        places = pc.index_in(records.column(KEY), root.column(KEY)).to_pylist()
        for found, place in zip(problems, places, strict=True):
            if found and found[0]["code"] == EXPRESSION:
                found[0]["text"] = self._words(found[0]["field"], root.slice(place, 1))
        return _with_problems(records, problems)

    def _words(self, name: str, record: pa.Table) -> str:
        """Why a field of a record, or a check where the name is empty, cannot be computed: tried alone."""
        import duckdb

        if name not in self._alone:
            self._alone[name] = self._compiler(guard=False).alone(name)
        self._slots.fill(rows_name(""), record)
        try:
            self._engine.sql(self._alone[name]).fetchall()
        except duckdb.Error as error:
            return _line(error)
        raise self._stopped(f"{name or 'a check'} fails in a batch and not alone")

    def _stopped(self, words: str) -> RunStopped:
        return RunStopped(
            f"the mapping cannot be evaluated: {words}", where=self._entity.name, code="mapping"
        )

    def _compiler(self, *, guard: bool) -> Compiler:
        return Compiler(self._file, self._entity, self._aggregate, self._engine, self._keys, guard=guard)

    @cached_property
    def _guarded(self) -> Mapping:
        return self._compiler(guard=True).compile()

    def _look_up(self, mapping: Mapping, look_up: LookUp) -> None:
        wanted: dict[str, list[pa.Array]] = {}
        for reference in mapping.references:
            keys = self._slots.ask(reference.sql).column("k").combine_chunks()
            wanted.setdefault(reference.entity, []).append(keys.drop_null())
        for entity, arrays in wanted.items():
            keys = pc.unique(pa.concat_arrays(arrays))
            self._slots.fill(ids_name(entity), look_up(entity, keys))

    def _open_slots(self, entity: EntitySettings) -> None:
        links = [(link(relation.path), pa.int32()) for relation in self._aggregate.relations]
        own = [(column.name, column.type) for column in self._aggregate.columns]
        root = pa.schema([*own, (STAMP, pa.string()), (KEY, pa.string()), *links])
        self._slots.open(rows_name(""), root)
        for line in self._aggregate.lineages():
            self._slots.open(rows_name(line[-1].path), _relation_schema(line[-1]))
        ids = pa.schema(list(zip(IDS, (pa.string(), pa.string(), pa.bool_()), strict=True)))
        for reference in entity.references():
            self._slots.open(ids_name(reference.entity), ids)

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


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]


def refused(records: pa.Table, reasons: Dictionary[str, str], code: str) -> pa.Table:
    """Mapped records with one problem, and no other, for those whose key has a reason."""
    keys = records.column(KEY).to_pylist()
    problems = [
        [{"code": code, "text": reasons[key], "field": ""}] if key in reasons else found
        for key, found in zip(keys, records.column(PROBLEMS).to_pylist(), strict=True)
    ]
    return _with_problems(records, problems)


def _with_problems(records: pa.Table, problems: list[object]) -> pa.Table:
    return put(records, PROBLEMS, pa.array(problems, records.column(PROBLEMS).type))


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
