"""Owns what a dry run promises: records it would create count as delivered for those that refer to them."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from marea.flow import MISSING, OUTCOME
from marea.model import Outcome
from marea.ports import KEY
from marea.sql import duck

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.mapping.mapper import LookUp

_TABLES = """
CREATE TEMPORARY TABLE promised (entity VARCHAR, key VARCHAR);
CREATE TEMPORARY TABLE waiting (entity VARCHAR, key VARCHAR, parent VARCHAR, parent_key VARCHAR);
"""

_BESIDE = """
SELECT known.key,
    CASE WHEN known.delivered THEN known.target_id
        ELSE '(' || $entity || ' ' || known.key || ')' END AS target_id,
    coalesce(known.delivered, FALSE) OR promised.key IS NOT NULL AS delivered
FROM known LEFT JOIN promised ON promised.entity = $entity AND promised.key = known.key
"""

_RELEASED = """
SELECT waiting.key FROM waiting JOIN promised ON parent = promised.entity AND parent_key = promised.key
WHERE waiting.entity = $entity ORDER BY waiting.key
"""

_FORGET = """
DELETE FROM waiting WHERE entity = $entity AND EXISTS (
    SELECT 1 FROM promised WHERE promised.entity = parent AND promised.key = parent_key)
"""


class Promised:
    """Keys a plan would create and keys that wait, kept compressed in the column engine."""

    def __init__(self, parents: Set[str] = frozenset()) -> None:
        self._parents = parents
        self._engine = duck.connect()
        self._engine.execute(_TABLES)

    def wait(self, entity: str, key: str, parent: tuple[str, str]) -> None:
        """Remembers a record that waits for another since an earlier run."""
        self._engine.execute("INSERT INTO waiting VALUES (?, ?, ?, ?)", [entity, key, *parent])

    def add(self, entity: str, records: pa.Table) -> None:
        """Remembers what the plan of a batch creates, where others refer to it, and what waits in it."""
        import pyarrow as pa

        outcome = duck.quote(OUTCOME)
        key = duck.quote(KEY)
        missing = duck.quote(MISSING)
        self._engine.register("batch", records.select([KEY, OUTCOME, MISSING]))
        if entity in self._parents:
            self._engine.execute(
                f"INSERT INTO promised SELECT $entity, {key} FROM batch WHERE {outcome} = $created",
                {"entity": entity, "created": Outcome.CREATED.value},
            )
        if pa.types.is_struct(records.schema.field(MISSING).type):
            self._engine.execute(
                f"DELETE FROM waiting WHERE entity = $entity AND key IN (SELECT {key} FROM batch)",
                {"entity": entity},
            )
            self._engine.execute(
                f"INSERT INTO waiting SELECT $entity, {key}, {missing}.entity, {missing}.key "
                f"FROM batch WHERE {outcome} = $waiting",
                {"entity": entity, "waiting": Outcome.WAITING.value},
            )
        self._engine.unregister("batch")

    def released(self, entity: str) -> list[str]:
        """The keys of an entity that waited for a record which is promised now; each is given once."""
        keys = [row[0] for row in self._engine.execute(_RELEASED, {"entity": entity}).fetchall()]
        self._engine.execute(_FORGET, {"entity": entity})
        return keys

    def beside(self, look_up: LookUp) -> LookUp:
        """What the ledger knows, and beside it what is promised; who has no id yet is `(entity key)`."""

        def both(entity: str, keys: pa.Array) -> pa.Table:
            self._engine.register("known", look_up(entity, keys))
            found = self._engine.sql(_BESIDE, params={"entity": entity}).to_arrow_table()
            self._engine.unregister("known")
            return found

        return both
