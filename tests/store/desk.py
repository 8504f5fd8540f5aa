"""Owns short words for what the store's tests write and read: rows of a commit, an entity under its lease."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from marea.model import Cause, Operation, Outcome, RunKind
from marea.store.commit import Commit
from marea.store.journal import Entry, EntryFilter
from marea.store.state import State

TEXT = ("key", "operation", "outcome", "cause", "stamp", "target_id", "payload", "changes")
TEXT += ("code", "error", "field", "hint", "blocked_key", "target_key")
NUMBERS = ("fingerprint", "form", "next_attempt", "blocked_entity", "duration_ms")
ROWS = pa.schema(
    [(name, pa.string()) for name in TEXT]
    + [("attempt", pa.int32()), ("log", pa.bool_())]
    + [(name, pa.int64()) for name in NUMBERS]
)
DONE = {
    Outcome.CREATED: Operation.CREATE,
    Outcome.UPDATED: Operation.UPDATE,
    Outcome.DELETED: Operation.DELETE,
    Outcome.UNCHANGED: Operation.NONE,
}
OWNER = "nowhere:1:1"
NOW = 1_700_000_000_000_000


def row(key: str, outcome: Outcome, **more: Any) -> dict[str, Any]:
    """One row of a commit; what an outcome needs and `more` does not say is made up."""
    values: dict[str, Any] = {"key": key, "outcome": outcome, "cause": Cause.LAST_EDIT}
    values["operation"] = DONE.get(outcome, Operation.CREATE)
    if outcome in (Outcome.CREATED, Outcome.UPDATED):
        values |= {"payload": '{"name":"x"}', "fingerprint": 255, "form": 1, "stamp": "s1"}
    if outcome not in DONE:
        values |= {"attempt": 1, "code": "bad", "error": "No", "log": True}
    return values | more


class Desk:
    """One entity of an open state with its run and lease, and short words for what tests do with it."""

    def __init__(self, state: State, name: str = "customers") -> None:
        self.state = state
        self.entity = state.entity(name, "crm").id
        self.run = state.runs.begin(RunKind.INCREMENTAL, "test", OWNER, NOW)
        self.fence = state.leases.acquire(self.entity, OWNER, NOW, 3600)
        self.at = NOW

    def commit(self, *rows: dict[str, Any], **more: Any) -> Commit:
        """Writes rows, counted as they are; `more` are fields of the commit."""
        self.at += 1_000_000
        counts = Counter(item["outcome"] for item in rows)
        table = pa.Table.from_pylist(list(rows), ROWS) if rows else None
        more = {"counts": counts, **more}
        more = {"detected": sum(more["counts"].values()), **more}
        made = Commit(self.entity, self.run, self.fence, self.at, table, **more)
        self.state.commit(made)
        return made

    def again(self) -> Desk:
        """The same entity in a later run."""
        self.state.leases.release(self.entity, self.fence)
        return Desk(self.state)

    def close(self) -> None:
        """Gives the entity and the state back."""
        self.state.leases.release(self.entity, self.fence)
        self.state.close()

    def record(self, key: str) -> Any:
        return self.state.ledger.record(self.entity, key)

    def due(self, now: int) -> dict[str, str]:
        table = self.state.ledger.due(self.entity, now)
        ledger = self.state.ledger
        assert ledger.is_due(self.entity, now) == bool(table.num_rows)
        keys = set(table.column("key").to_pylist())
        known = keys | set(ledger.troubled(self.entity).column("key").to_pylist())
        assert {key for key in known if ledger.is_due(self.entity, now, key)} == keys
        return dict(zip(table["key"].to_pylist(), table["cause"].to_pylist(), strict=True))

    def entries(self, newest_first: bool = False, **wanted: Any) -> list[Entry]:
        return list(self.state.journal.entries(EntryFilter(**wanted), newest_first=newest_first))

    @property
    def positions(self) -> dict[str, str]:
        return dict(self.state.entities()[self.entity - 1].positions)
