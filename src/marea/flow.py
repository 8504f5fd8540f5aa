"""Owns the values that pass between the stages: the columns of records under way, and the plan of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marea.model import Cause, Operation, Outcome, Problem

if TYPE_CHECKING:
    import pyarrow as pa

# Columns of mapped records, beside those of `marea.ports` and the target's fields.
FINGERPRINT = "$fingerprint"  # int64: hash of the payload's bytes
PROBLEMS = "$problems"  # list of {code, text, field}: why the record is rejected, or null
MISSING = "$missing"  # {entity, key} of the first reference that is not delivered yet, or null

# Columns a plan adds.
OUTCOME = "$outcome"  # utf8: how the record ends, unless its delivery says otherwise
CAUSE = "$cause"  # utf8: how the change was found
STATE = "$state"  # utf8: where the record stands in the ledger, or null
ATTEMPT = "$attempt"  # int32: which attempt a delivery would be, counted from 1
NEW_FORM = "$new_form"  # bool: the ledger has no payload of this form of the record
SKIP = "$skip"  # utf8: why a record is unchanged, or null
FOLLOW = (
    "$follow"  # bool: an unchanged record whose ledger row must follow (newer date, form, digest, a claim)
)
TARGET_KEY = "$target_key"  # utf8: the key at the target that a record claims or could not have, or null


@dataclass(frozen=True, slots=True)
class Absent:
    """How a record ends that was asked for and is not in the source."""

    outcome: Outcome
    operation: Operation = Operation.NONE
    """What its last delivery was to do, where it stays in doubt, or its next one is."""
    stamp: str | None = None
    attempts: int | None = None
    problem: Problem | None = None
    """What is said of it; None where nothing is to be written."""
    log: bool = True
    """Whether that is an entry in the journal, where anything is written."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done with each record of a batch; `records` has one row a record.

    Its columns: KEY, STAMP, TARGET_ID, OPERATION, OUTCOME, CAUSE, CHANGES, STATE, ATTEMPT,
    NEW_FORM, SKIP, FOLLOW, PAYLOAD, FINGERPRINT, MISSING and the target's fields; DIGEST where they were read
    with it; TARGET_KEY where several records could have the same key at the target.
    """

    records: pa.Table
    cause: Cause
    detected: int
    """How many records the capture gave; each ends as exactly one outcome (I5)."""
    problems: Mapping[int, Problem] = field(default_factory=dict)
    """Row -> why it is not delivered: rejected, or kept back in doubt."""
    form: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Why records are unchanged, or rows left out that are no records -> how many."""
    absent: Mapping[str, Absent] = field(default_factory=dict)
    """Key -> how a record ends that is not in the source; these have no row."""

    def counts(self) -> dict[Outcome, int]:
        """How many records end so, unless their delivery says otherwise."""
        found = self.records.column(OUTCOME).value_counts().to_pylist()
        counts = Counter({Outcome(item["values"]): item["counts"] for item in found})
        counts.update(absent.outcome for absent in self.absent.values())
        return dict(counts)
