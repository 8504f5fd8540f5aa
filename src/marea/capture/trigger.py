"""Owns the trigger capture: which records may have changed, read from what triggers noted in the source.

The notices are the position: each is deleted once what it leads to is committed (I2), by its very
id, since one of a lower id may be committed later. The newest that was read is kept, and the position
names it: where it is gone, somebody else reads these notices, or source or state were put back to an
earlier time; then all records are read again. So they are where the triggers were made anew since, and
where a notice says that any record may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from marea.capture import form
from marea.capture.batch import BatchReader
from marea.capture.capture import Capture
from marea.capture.names import TRIGGER
from marea.capture.notices import Noticed, followed, root_keys
from marea.capture.step import Step
from marea.errors import ConfigurationError
from marea.model import Cause
from marea.ports import Reader
from marea.sql.aggregate import ROOT
from marea.sql.dialect import Dialect, Query
from marea.sql.noted import (
    AT,
    COLUMNS,
    ID,
    MADE_COLUMNS,
    MARK,
    NAME,
    NOTED,
    PATH,
    TOLD_COLUMNS,
    ChangeTable,
    Noted,
)

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1

Told = tuple[int, str]
"""A notice: its id and its moment. Ids come again where a source was put back."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the capture of one entity stands; opaque text to everyone else."""

    newest: Told | None
    """The newest notice that was read, which is kept in the source; None where there was none yet."""
    whole: tuple[int, ...] = ()
    """Ids of notices that any record may differ, after which all were read."""
    made: Mapping[str, str] = field(default_factory=dict)
    """The change table and its triggers -> the mark of each."""

    def to_text(self) -> str:
        """The durable form."""
        value = {"newest": self.newest, "whole": self.whole, "made": dict(self.made)}
        return form.written(VERSION, value)

    @classmethod
    def from_text(cls, text: str) -> Kept:
        """The position of a durable text. Raises RunStopped for one of a newer program."""
        value = form.read(VERSION, text)
        newest = value["newest"]
        return cls((newest[0], newest[1]) if newest else None, tuple(value["whole"]), value["made"])


class Trigger(Capture):
    """Reads the notices of one entity; serves one run in one thread."""

    name: ClassVar[str] = TRIGGER

    def __init__(
        self,
        batches: BatchReader,
        entity: str,
        table: ChangeTable,
        triggers: Sequence[str],
        let_go: Callable[[Sequence[Query]], None],
    ) -> None:
        """`triggers` are those that the entity's tables need; `let_go` carries out DELETEs."""
        super().__init__(batches)
        self._reader = batches.reader
        self._table = table
        self._noted = Noted(batches.pages.dialect, table, entity)
        self._triggers = triggers
        self._let_go = let_go

    def start(self, position: str | None) -> str:
        """What the notices are now; a notice whose record is read from now on costs one comparison."""
        whole = tuple(number for number, _ in _told(self._reader, self._noted.whole()))
        made = _made(self._reader, self._table)
        lacking = [name for name in self._triggers if name not in made]
        if lacking:
            raise ConfigurationError.single(f"the triggers {', '.join(lacking)} are not there any more")
        return Kept(self._newest(), whole, {name: made[name] for name in self._triggers}).to_text()

    def serves(self, position: str) -> bool:
        """Not where notices of changes since may be missing, or one says that any record may differ."""
        kept = Kept.from_text(position)
        if set(self._triggers) != set(kept.made) or not _stand(self._reader, self._table, kept):
            return False
        if kept.newest and kept.newest not in _told(self._reader, self._noted.one(kept.newest[0])):
            return False
        return all(number in kept.whole for number, _ in _told(self._reader, self._noted.whole()))

    def changes(self, position: str, upto: str | None = None) -> Iterator[Step]:
        """The records that notices lead to; `upto` a key, or all."""
        yield from followed(self._batches, self._notices(Kept.from_text(position)), Cause.TRIGGER, upto)

    def brings(self, position: str, key: str) -> bool:
        """Whether `changes` would read the record of a key (JSON text)."""
        notices = self._notices(Kept.from_text(position))
        return any(key in root_keys(self._batches, one.values) for one in notices)

    def _notices(self, kept: Kept) -> Iterator[Noticed]:
        """The notices in pages, then what moves the position; nothing where only the one kept is there."""
        newest: int | None = None
        settled: set[int] = set()
        for page in self._reader.stream(self._noted.all(), COLUMNS, self._batches.rows):
            rows = _followed(page, kept)
            if not rows.num_rows:
                continue
            numbers = rows.column(ID).to_pylist()
            settled.update(number for number in numbers if number in kept.whole)
            behind = [newest] if newest is not None else []
            newest = max([*behind, *numbers])
            gone = [number for number in [*behind, *numbers] if number != newest]
            yield Noticed(self._values(rows), None, self._releasing(gone))
        if newest is None:
            return
        before = [kept.newest[0]] if kept.newest and kept.newest[0] != newest else []
        told = next(iter(_told(self._reader, self._noted.one(newest))))
        # Until they are let go of, which may fail, they are not to be taken for new ones.
        settled.update(number for number in before if number in kept.whole)
        now = Kept(told, tuple(settled), kept.made)
        yield Noticed({}, now.to_text(), self._releasing(before))

    def _values(self, rows: pa.Table) -> dict[str, list[str]]:
        """Path -> what was noted of its rows, each once; of the root in the form of keys."""
        import pyarrow.compute as pc

        found = {}
        for path in rows.column(PATH).unique().to_pylist():
            noted = rows.filter(pc.equal(rows.column(PATH), path)).column(NOTED).unique().drop_null()
            found[path] = noted.to_pylist()
        known = {line[-1].path for line in self._batches.pages.aggregate.lineages()}
        values = {path: noted for path, noted in found.items() if path in known}
        return {ROOT: self._batches.spelt(found.get(ROOT, [])), **values}

    def _newest(self) -> Told | None:
        return next(iter(_told(self._reader, self._noted.last())), None)

    def _releasing(self, numbers: Sequence[int]) -> Callable[[], None] | None:
        return partial(self._release, tuple(numbers)) if numbers else None

    def _release(self, numbers: Sequence[int]) -> None:
        self._let_go(self._noted.release(numbers))


def nothing_noted(position: str, entity: str, table: ChangeTable, dialect: Dialect, reader: Reader) -> bool:
    """Whether no notice but the one kept is there, asked without binding the entity.

    False when it cannot be told: the change table or a trigger is not what it was.
    """
    kept = Kept.from_text(position)
    try:
        if not _stand(reader, table, kept):
            return False
        found = _told(reader, Noted(dialect, table, entity).first(2))
    except ConfigurationError:
        return False
    return kept.newest is not None and found == [kept.newest]


def _followed(page: pa.Table, kept: Kept) -> pa.Table:
    """The notices of a page that are to be followed, and those after which all records were read already."""
    import pyarrow as pa
    import pyarrow.compute as pc

    settled = pc.is_in(page.column(ID), pa.array(kept.whole, pa.int64()))
    rows = page.filter(pc.or_(page.column(NOTED).is_valid(), settled))
    return rows.filter(pc.not_equal(rows.column(ID), kept.newest[0])) if kept.newest else rows


def _stand(reader: Reader, table: ChangeTable, kept: Kept) -> bool:
    """Whether the triggers are those that they were."""
    made = _made(reader, table)
    return all(made.get(name) == mark for name, mark in kept.made.items())


def _made(reader: Reader, table: ChangeTable) -> dict[str, str]:
    return {
        row[NAME]: row[MARK]
        for page in reader.stream(table.made, MADE_COLUMNS, 1000)
        for row in page.to_pylist()
    }


def _told(reader: Reader, query: Query) -> list[Told]:
    return [
        (row[ID], row[AT]) for page in reader.stream(query, TOLD_COLUMNS, 1000) for row in page.to_pylist()
    ]
