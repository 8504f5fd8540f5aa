"""Owns which records of an entity a run has counted as in order: met once more, each counts once (I5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marea.model import KEYLESS, TROUBLED, Outcome

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Again:
    """What is to be taken out of the books, because it counts already or does not count any more."""

    counts: Mapping[Outcome, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)


class Counted:
    """How the records of one entity ended in a run; serves one thread.

    What is in trouble is known to the state. What is in order is not where nothing was written of it: that is
    remembered here, in columns, of an entity at all of whose records the run may look once more (`again`).
    """

    def __init__(self, *, again: bool) -> None:
        self._again = again
        self._ends: list[pa.Table] = []
        self._before: pa.Table | None = None
        self._left_out = 0
        self._left_out_before = 0

    @contextmanager
    def look(self) -> Iterator[None]:
        """While records are read of which each may count already; what is due never does."""
        if self._ends:
            self._before = _in_order(self._ends)
            self._ends = [self._before]
        self._left_out, self._left_out_before = 0, self._left_out
        try:
            yield
        finally:
            self._before = None

    def count(self, ends: pa.Table, skipped: Mapping[str, int]) -> Again:
        """Remembers a batch: how its records ended (key, outcome, skip), why how many rows were skipped.

        A record counts by its last outcome; delivered and then unchanged, it was delivered.
        """
        if not self._again:
            return Again()
        self._left_out += skipped.get(KEYLESS, 0)
        found = _texts(ends)
        if self._before is None:
            self._ends.append(_encoded(found))
            return Again()
        found, taken = _met(found, self._before)
        self._ends.append(_encoded(found))
        # A second look is at all records, and so at all rows that are none.
        taken[KEYLESS], self._left_out_before = self._left_out_before, 0
        return _again(taken)


def _met(ends: pa.Table, before: pa.Table) -> tuple[pa.Table, Counter[str]]:
    """How the records of a batch ended in all, and the ends among theirs that do not count."""
    import pyarrow.compute as pc

    from marea.sql.arrays import among

    now, earlier = ends["end"], before["end"].take(pc.index_in(ends["key"], before["key"]))
    stays = pc.and_(earlier.is_valid(), pc.invert(among(now, Outcome)))
    taken = pc.if_else(stays, now, earlier).drop_null().to_pylist()
    return ends.set_column(1, "end", pc.if_else(stays, earlier, now)), Counter(taken)


def _texts(ends: pa.Table) -> pa.Table:
    """Each record's end as one text (key, end): its outcome or, where it is unchanged, why."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pa.table({"key": ends["key"], "end": pc.coalesce(ends["skip"], ends["outcome"])})


def _encoded(ends: pa.Table) -> pa.Table:
    """The same in little room."""
    return ends.set_column(1, "end", ends["end"].dictionary_encode())


def _in_order(looks: Sequence[pa.Table]) -> pa.Table:
    """The last end of each record, of those in order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from marea.sql.arrays import among

    plain = pa.schema([("key", pa.string()), ("end", pa.string())])
    ends = pa.concat_tables(look.cast(plain) for look in looks)
    last = ends.group_by("key", use_threads=False).aggregate([("end", "last")]).rename_columns(["key", "end"])
    return last.filter(pc.invert(among(last["end"], TROUBLED)))


def _again(taken: Mapping[str, int]) -> Again:
    counts: Counter[Outcome] = Counter()
    skipped: Counter[str] = Counter()
    for end, number in taken.items():
        if end in set(Outcome):
            counts[Outcome(end)] += number
            continue
        skipped[end] += number
        counts[Outcome.UNCHANGED] += number if end != KEYLESS else 0
    return Again(counts, skipped)
