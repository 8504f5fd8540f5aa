"""Owns which records of an entity a request means, and reads them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.capture.batch import BatchReader
from marea.capture.capture import Capture
from marea.capture.names import SCAN, WATERMARK
from marea.capture.step import Step
from marea.capture.sweep import swept
from marea.config.digest import mapping_digest
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import choice, made, scan
from marea.engine.entity.request import Request
from marea.model import Cause
from marea.sql.pages import Pages

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.capture.scan import Known, Scan
    from marea.engine.run.restored import Restored
    from marea.store.state import EntityRow


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an entity stands in the state when a run begins."""

    capture: str
    """The name of the capture that finds what changed."""
    position: str | None
    """Where that stands."""
    mapping_changed: bool
    """Whether the records in the ledger were mapped by another mapping than today's."""
    stale: bool = False
    """Whether records it refers to may have other ids than it was given."""
    troubled: tuple[str, ...] = ()
    """Keys of records not in order; asked for only when the request needs them."""
    restored: Restored | None = None
    """What tells that the source was put back to an earlier state; asked for only when that matters."""

    missed: bool = False
    """Whether what has changed since the position is not to be had any more; asked for as `restored` is."""

    @property
    def loading(self) -> bool:
        """Whether the first load is not through yet."""
        return self.position is None or swept(self.position) is not None


def standing_of(alignment: Alignment, row: EntityRow, troubled: Sequence[str] = ()) -> Standing:
    """Where the state has an entity, beside its configuration of today.

    Raises ConfigurationError, SystemUnreachable.
    """
    capture = choice(alignment, row).capture
    return Standing(
        capture,
        row.positions.get(capture),
        row.mapping is not None and row.mapping != mapping_digest(alignment.entity),
        row.stale is not None,
        tuple(troubled),
    )


def pages_of(request: Request, standing: Standing, alignment: Alignment) -> Pages:
    """What reads the records of a request: with their digests where these are compared."""
    compared = standing.capture == SCAN or standing.missed or (request.reconcile and not standing.loading)
    return alignment.digested if compared else alignment.pages


def steps(
    request: Request, standing: Standing, batches: BatchReader, alignment: Alignment, known: Known
) -> Generator[Step, None, None]:
    """The records a request means, read at one moment of the source with `pages_of`.

    `known` are the digests of the ledger.
    """
    if request.keys:
        cause = Cause.RETRY if request.only_failed else Cause.REQUEST
        yield from listed(request.keys, cause, batches)
    elif request.only_failed:
        yield from listed(standing.troubled, Cause.RETRY, batches)
    elif request.where:
        for batch in batches.read(batches.pages.matching(request.where), Cause.REQUEST):
            yield Step(batch, None)
    elif request.reconcile and not standing.loading:
        yield from _reconciled(request, standing, scan(batches, known), batches.pages)
    elif standing.missed:
        then = made(standing.capture, alignment, batches, known).start(standing.position)
        yield from _reconciled(request, standing, scan(batches, known), batches.pages)
        yield Step(None, then)
    else:
        capture = made(standing.capture, alignment, batches, known)
        yield from _captured(request, standing, capture, batches.pages)


def listed(keys: Sequence[str], cause: Cause, batches: BatchReader) -> Generator[Step, None, None]:
    """The records of given keys, also of those that are gone from the source."""
    for batch in batches.listed(keys, cause):
        yield Step(batch, None)


def reads_all(request: Request, standing: Standing, pages: Pages) -> bool:
    """Whether a request reads every record there is."""
    return not request.selects and (standing.loading or whole(request, standing, pages) is not None)


def meets(standing: Standing, batches: BatchReader, alignment: Alignment, known: Known, key: str) -> bool:
    """Whether a run that is asked for nothing special reads the record of a key, at this moment."""
    if standing.position is None or reads_all(Request(), standing, batches.pages):
        return True
    return made(standing.capture, alignment, batches, known).brings(standing.position, key)


def whole(request: Request, standing: Standing, pages: Pages) -> Cause | None:
    """Why all records are to be read again, or None when what changed is enough."""
    if request.resend:
        return Cause.REQUEST
    if standing.mapping_changed:
        return Cause.MAPPING
    if standing.stale:
        return Cause.PARENT
    if standing.restored and not request.full:
        return standing.restored.cause
    undated = standing.capture == WATERMARK and not pages.aggregate.feeds() and not request.reconcile
    return Cause.FULL if request.full or undated else None


def _captured(
    request: Request, standing: Standing, capture: Capture, pages: Pages
) -> Generator[Step, None, None]:
    position = standing.position
    if position is None or standing.loading:
        # Begun by another mapping or with other ids it begins again: equal records cost a comparison.
        anew = standing.mapping_changed or standing.stale or request.full or request.resend
        why = Cause.REQUEST if request.resend else Cause.FIRST_LOAD
        yield from capture.first_load(None if anew else position, why)
        return
    cause = whole(request, standing, pages)
    yield from capture.changes(position) if cause is None else capture.full(cause, position)


def _reconciled(
    request: Request, standing: Standing, capture: Scan, pages: Pages
) -> Generator[Step, None, None]:
    """What differs, whatever capture the entity has, whose position stays.

    Digests of another mapping, or forgotten because of other ids, equal none: all records are read then.
    """
    cause = whole(request, standing, pages) or Cause.SCAN
    for batch in capture.differing(cause):
        yield Step(batch, None)


def due_by_cause(due: pa.Table) -> dict[Cause, list[str]]:
    """The keys of a table of due records (key, cause), by cause."""
    found: dict[Cause, list[str]] = {}
    for key, cause in zip(due.column("key").to_pylist(), due.column("cause").to_pylist(), strict=True):
        found.setdefault(Cause(cause), []).append(key)
    return found
