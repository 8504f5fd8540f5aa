"""Owns following notices: which records of an entity may differ because a row of one of its tables changed.

A notice is a hint and never replayed: it names a row, and the record is read as it is now. It says
which table changed, by the path of its relation, and values of the row before or after: the key of a
root row, and of a related row the values that join it to the table above. So a row that went elsewhere,
or is gone, leads to the records it belonged to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from marea.capture.batch import BatchReader
from marea.capture.step import Step
from marea.model import Cause
from marea.sql.aggregate import ROOT


@dataclass(frozen=True, slots=True)
class Noticed:
    """Notices that are followed together, all of changes that the reader's moment shows."""

    values: Mapping[str, Sequence[str]]
    """Path of a table (ROOT, or a relation's) -> values as JSON text, in the form of keys, none twice."""
    position: str | None
    """Where the capture stands once what they lead to is settled; None where it stays."""
    release: Callable[[], None] | None = None
    """As `Step.release`."""


def followed(
    batches: BatchReader, notices: Iterable[Noticed], cause: Cause, upto: str | None = None
) -> Iterator[Step]:
    """The records that notices lead to, and those that are gone; each once of one `Noticed`.

    `upto` is a key (JSON text) behind which, in key order, no record is read.
    """
    for one in notices:
        last: Step | None = None
        for batch in batches.listed(root_keys(batches, one.values, upto), cause):
            if last is not None:
                yield last
            last = Step(batch, None)
        # Only with the last of them everything is settled that the notices lead to (I1, I2).
        yield replace(last or Step(None, None), position=one.position, release=one.release)


def root_keys(
    batches: BatchReader, values: Mapping[str, Sequence[str]], upto: str | None = None
) -> list[str]:
    """The keys of the root rows that values of rows of any table lead to; `upto` as in `followed`."""
    found = dict.fromkeys(values.get(ROOT, ()))
    for path, joined in values.items():
        if path != ROOT:
            for start in range(0, len(joined), batches.rows):
                found.update(dict.fromkeys(batches.led_to(path, joined[start : start + batches.rows])))
    keys = list(found)
    return keys if upto is None else batches.upto(keys, upto)
