"""Owns the words of Marea as frozen values; docs/glossary.md says what each means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Operation(StrEnum):
    """What is done with one record at its target."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"


class Outcome(StrEnum):
    """How one detected record ended; the books count each exactly once (I5)."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    WAITING = "waiting"
    DEFERRED = "deferred"
    HELD = "held"


APPLIED = {
    Operation.CREATE: Outcome.CREATED,
    Operation.UPDATE: Outcome.UPDATED,
    Operation.DELETE: Outcome.DELETED,
    Operation.NONE: Outcome.UNCHANGED,
}
"""The outcome of an operation that its target applied."""


WRITTEN = (Outcome.CREATED, Outcome.UPDATED)
"""The target was given the record's payload."""

AGREED = (*WRITTEN, Outcome.UNCHANGED)
"""The record is in order: what the target holds of it is agreed."""

DELIVERED = (*WRITTEN, Outcome.DELETED)
"""The target was called and applied it."""

TROUBLED = (Outcome.REJECTED, Outcome.WAITING, Outcome.DEFERRED, Outcome.HELD)
"""The record is not in order: something is still to be done."""


class Cause(StrEnum):
    """How a change was found."""

    FIRST_LOAD = "first load"
    FULL = "full run"
    LAST_EDIT = "last-edit date"
    DIRECT_SQL = "direct SQL"
    RELATED = "related table"
    SCAN = "scan"
    XMIN = "xmin"
    TRIGGER = "trigger"
    LOG = "log"
    DELETE = "delete"
    FILTER = "left the filter"
    REQUEST = "request"
    RETRY = "retry"
    PARENT = "parent released"
    RESTORED = "source restored"
    MAPPING = "mapping changed"


class RunKind(StrEnum):
    """Why a run reads what it reads."""

    INCREMENTAL = "incremental"
    FULL = "full"
    RECONCILE = "reconcile"


class RunStatus(StrEnum):
    """Where a run stands; `docs/runs.md` draws the transitions."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class RecordState(StrEnum):
    """Where a record stands in the ledger."""

    ALIGNED = "aligned"
    """The target holds the last agreed payload."""
    DUE = "due"
    """Something is still to be delivered: the trouble table says what and when."""
    GONE = "gone"
    """Deleted in the target by us; kept so that its journal has an end."""
    LAPSED = "lapsed"
    """It left the source while in doubt, and somebody ended that: the target may hold it."""


class Presence(StrEnum):
    """Whether a record is in its source at this moment."""

    THERE = "yes"
    NOT_THERE = "no"
    OUTSIDE = "outside where"
    AWAY = "away"
    """The source did not answer."""
    NOT_ASKED = "not asked"
    """What is needed to ask the source is not there."""


class FirstLoad(StrEnum):
    """How far the first load of an entity is."""

    NEVER = "never"
    UNDERWAY = "loading"
    THROUGH = "loaded"


CIRCLE = "circle"
"""The code of a record that waits, in the end, for itself: nothing releases it."""

NO_KEY = "key"
"""The code of a record with an empty field in its key at the target."""

ABSENT = "absent"
"""The code of a record that was asked for and is not in the source."""

UNREADABLE = "unreadable"
"""The code of a record with a value that its column's type cannot hold."""

NOT_UNIQUE = "not-unique"
"""The code of a record whose key several rows of the source have."""

KEYLESS = "without a key, left out"
"""Why rows were skipped that are no records: a part of their key is NULL, or cannot be read."""

ID_TAKEN = "id-taken"
"""The code of a record with an id at the target that another record has too."""

INTERRUPTED = "interrupted"
"""The code of a record that was not sent any more, because its delivery was ended early."""

UNREACHABLE = "unreachable"
"""The code of a record of which nothing was applied, because its target was away."""

LEAVING = "leaving"
"""The code of a record that is due to be deleted: it is not among those of the source any more."""

GUARD = "guard"
"""The code of a record whose delete is held back."""

UNKNOWN = "unknown"
"""The code of a problem that leaves open whether the record was applied: its answer was lost."""

NOTHING_APPLIED = (UNREACHABLE, INTERRUPTED, LEAVING)
"""The codes with which a record is deferred that was not tried: the target has nothing of that delivery."""


def leaves_doubt(outcome: str | None, code: str | None) -> bool:
    """Whether a trouble of this outcome and code leaves open what the target has: its record is in doubt."""
    return outcome == Outcome.DEFERRED and code not in NOTHING_APPLIED


LOOK = "look for it in the target: only where it is not there send it, by its key"
"""What to do about a record that may have been created and must not be created twice."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one record was not applied: a code, the words of whoever refused it, the next step."""

    code: str
    text: str
    field: str = ""
    hint: str = ""

    @classmethod
    def waiting(cls, entity: str, key: str) -> Problem:
        """Why a record waits for another; `key` is JSON text."""
        return cls("waiting", f"{entity} {key} is not in the target yet")

    @classmethod
    def id_taken(cls, entity: str, target_id: str, other: str) -> Problem:
        """Why a record is not delivered whose id at the target another one has too; `other` is JSON text."""
        text = f"{entity} {other} was given the id {target_id} at the target too"
        hint = f"was the application emptied? `marea sync {entity} --resend` puts all records there again"
        return cls(ID_TAKEN, text, hint=hint)

    @classmethod
    def made_once(cls, text: str = "it may have been created, and is not created again by itself") -> Problem:
        """Why a record is kept back that may be at a target which would make a second one of it."""
        return cls(UNKNOWN, text, hint=LOOK)


@dataclass(slots=True)
class Books:
    """Counts of one entity in one run; `balanced` is invariant I5."""

    detected: int = 0
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    skipped: dict[str, int] = field(default_factory=dict)
    """Why records were unchanged, or rows left out that are no records: reason -> how many."""
    seconds: float = 0.0

    @property
    def balanced(self) -> bool:
        """Whether every detected record ended as exactly one outcome (I5)."""
        return self.detected == sum(self.counts.values())

    @property
    def left_out(self) -> int:
        """Rows of the source that are no records: they have no key."""
        return self.skipped.get(KEYLESS, 0)

    def on_left_out(self, entity: str) -> list[str]:
        """A sentence on these rows, where there are any."""
        have = "1 row has" if self.left_out == 1 else f"{self.left_out:,} rows have"
        said = (
            f"{entity}: {have} no key, or one that cannot be read, and cannot be delivered: give each a key"
        )
        return [said] if self.left_out else []

    def add(self, detected: int, counts: Mapping[Outcome, int]) -> None:
        """Add a batch: how many records were detected, and how many of them ended so."""
        self.detected += detected
        for outcome, number in counts.items():
            self.counts[outcome] += number
