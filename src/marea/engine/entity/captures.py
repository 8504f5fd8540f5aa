"""Owns which capture finds the changes of an entity, and makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from marea.capabilities import Installable, Logged, Noting
from marea.capture.horizon import Before
from marea.capture.names import LOG, SCAN, TRIGGER, WATERMARK, XMIN
from marea.capture.position import Position
from marea.capture.sweep import swept
from marea.config.digest import dates_digest
from marea.config.settings import EntitySettings, line_of
from marea.engine.entity.watched import watched
from marea.errors import ConfigurationError, Fault
from marea.sql.feeds import LATEST, LATEST_COLUMNS, Feeds

if TYPE_CHECKING:
    from marea.capabilities import ChangeLog
    from marea.capture.batch import BatchReader
    from marea.capture.capture import Capture
    from marea.capture.scan import Known, Scan
    from marea.engine.entity.alignment import Alignment
    from marea.ports import Reader, Source
    from marea.store.state import EntityRow

NEEDING = (TRIGGER, LOG)
"""The captures that need something in the source."""

CONFIGURED = "the configuration says so"
BEGUN = "the entity goes by it already"
INSTALLED = "what it needs is installed in the source"
DATED = "every table has a last-edit date"
NUMBERED = "not every table has a last-edit date, and rows tell which transaction wrote them"
UNDATED = "not every table has a last-edit date"


@dataclass(frozen=True, slots=True)
class Choice:
    """The capture that finds the changes of an entity, and why it is this one."""

    capture: str
    why: str


def choice(alignment: Alignment, row: EntityRow) -> Choice:
    """The capture as configured, else the one it goes by, else the best that its login may use now.

    Raises ConfigurationError where the one configured cannot serve it, SystemUnreachable.
    """
    name = known_capture(alignment.entity, row)
    if name is None:
        return _best(alignment)
    if alignment.entity.source.capture != name:
        return Choice(name, BEGUN)
    check_capture(alignment)
    return Choice(name, CONFIGURED)


def known_capture(entity: EntitySettings, row: EntityRow) -> str | None:
    """The capture as configured, or by which an entity went before; None where its source decides."""
    wanted = entity.source.capture
    if wanted in _MAKERS:
        return wanted
    return next((name for name in _MAKERS if name in row.positions), None)


def made(name: str, alignment: Alignment, batches: BatchReader, known: Known) -> Capture:
    """The capture of that name, which reads with `batches`; `known` are the digests of the ledger."""
    return _MAKERS[name](alignment, batches, known)


def asked_before(name: str, alignment: Alignment) -> Before | None:
    """What the capture of that name needs to know before its snapshot is opened; None where nothing.

    Raises SystemUnreachable.
    """
    if name != WATERMARK or not alignment.aggregate.feeds():
        return None
    feeds = Feeds(alignment.source.dialect, alignment.aggregate)
    counted = [feed for feed in feeds.feeds() if not feeds.timed(feed)]
    latest = _latest(alignment.source, feeds, counted) if counted else {}
    # Who begins after the numbers were read must not be missing among who is open.
    return Before(alignment.source.writers(fresh=bool(counted)), latest)


def _latest(source: Source, feeds: Feeds, counted: Sequence[str]) -> dict[str, str]:
    """Feed -> its highest number, in a snapshot that ends here."""
    with source.snapshot() as reader:
        pages = {feed: next(reader.stream(feeds.latest(feed), LATEST_COLUMNS, 1)) for feed in counted}
        found = {feed: page.column(LATEST)[0].as_py() for feed, page in pages.items()}
    return {feed: number for feed, number in found.items() if number is not None}


def unchanged(name: str, position: str, alignment: Alignment, reader: Reader) -> bool:
    """Whether nothing is new to a capture since a position, asked without binding the entity.

    False where that cannot be told. Raises SystemUnreachable.
    """
    ask = _PROBES.get(name)
    return ask is not None and ask(position, alignment, reader)


def keep(name: str, position: str | None, alignment: Alignment) -> None:
    """Has the source keep what a capture is told since a position, else from now on; called before it reads.

    Raises ConfigurationError where the login may not, SystemUnreachable.
    """
    if name == LOG:
        sweep = swept(position)
        logged(alignment).keep(sweep.then if sweep else position)


def others(name: str, row: EntityRow) -> tuple[str, ...]:
    """The other captures that an entity went by before: what they say ends when this one has read all."""
    return tuple(capture for capture in row.positions if capture != name)


def check_capture(alignment: Alignment) -> None:
    """Raises ConfigurationError where the capture that is configured cannot serve the entity."""
    source = alignment.entity.source
    if source.capture == XMIN and (text := unnumbered(alignment)):
        hint = "write `capture: auto`, which takes the best there is, or name the table behind it"
        raise ConfigurationError([_fault(alignment, f"xmin cannot find the changes: {text}", hint)])


def check_installed(alignment: Alignment, row: EntityRow) -> None:
    """Raises ConfigurationError where what the capture of an entity needs in its source is not there.

    Never silence: what was not noted meanwhile is read by the run after it was installed anew.
    """
    name, source = choice(alignment, row).capture, alignment.source
    if name not in NEEDING:
        return
    if not installs(source, name):
        raise _needless(alignment, name)
    tables = watched(alignment.entity.name, alignment.aggregate)
    make = f"make it: marea capture install {alignment.entity.name}"
    if lacking := source.lacking(name, tables):
        raise ConfigurationError([_fault(alignment, text, make) for text in lacking])


def _needless(alignment: Alignment, capture: str) -> ConfigurationError:
    system = alignment.entity.source.system
    hint = "write `capture: auto`, which takes the best there is"
    return ConfigurationError([_fault(alignment, no_capture(system, capture), hint)])


def no_capture(system: str, capture: str) -> str:
    """What is said of a system in which a capture cannot be installed."""
    return f"system {system} has no capture by {capture}"


def _fault(alignment: Alignment, text: str, hint: str) -> Fault:
    return of_capture(alignment.file, alignment.entity, text, hint)


def of_capture(file: str, entity: EntitySettings, text: str, hint: str) -> Fault:
    """A fault of an entity's capture, where it is written or else where its source is."""
    return Fault(text, file, line_of(entity.source, "capture"), entity.name, "source.capture", hint)


def _best(alignment: Alignment) -> Choice:
    for name in NEEDING:
        if name in _MAKERS and installed(alignment, name):
            return Choice(name, INSTALLED)
    if alignment.aggregate.dated:
        return Choice(WATERMARK, DATED)
    return Choice(WATERMARK, UNDATED) if unnumbered(alignment) else Choice(XMIN, NUMBERED)


def installs(source: Source, capture: str) -> TypeGuard[Installable]:
    """Whether what a capture needs can be made in a source."""
    return isinstance(source, Installable) and capture in source.captures()


def installed(alignment: Alignment, capture: str) -> bool:
    """Whether all that a capture needs is in the source already. Raises SystemUnreachable."""
    source = alignment.source
    if not installs(source, capture):
        return False
    # A table that cannot be watched so raises.
    with suppress(ConfigurationError):
        return not source.lacking(capture, watched(alignment.entity.name, alignment.aggregate))
    return False


def unnumbered(alignment: Alignment) -> str:
    """Why rows of its tables do not tell which transaction wrote them; empty where they do."""
    if alignment.source.dialect.transactions() is None:
        return f"rows of {alignment.source.dialect.name} do not tell which transaction wrote them"
    lent = dict.fromkeys(table.name for _, table in alignment.aggregate.tables() if not table.stored)
    return f"{', '.join(lent)} shows rows of other tables, or of another server" if lent else ""


def _watermark(alignment: Alignment, batches: BatchReader, known: Known) -> Capture:
    from marea.capture.watermark import Watermark

    return Watermark(batches, alignment.entity.lag, dates_digest(alignment.entity))


def _xmin(alignment: Alignment, batches: BatchReader, known: Known) -> Capture:
    from marea.capture.xmin import Xmin

    return Xmin(batches)


def scan(batches: BatchReader, known: Known) -> Scan:
    """The capture that compares digests, whichever the entity has."""
    from marea.capture.scan import Scan

    return Scan(batches, known)


def _scan(alignment: Alignment, batches: BatchReader, known: Known) -> Capture:
    return scan(batches, known)


def _log(alignment: Alignment, batches: BatchReader, known: Known) -> Capture:
    from marea.capture.log import Log

    return Log(batches, logged(alignment))


def logged(alignment: Alignment) -> ChangeLog:
    """The log of its source as it tells of an entity. Raises ConfigurationError, SystemUnreachable."""
    source = alignment.source
    if isinstance(source, Logged):
        return source.log(watched(alignment.entity.name, alignment.aggregate))
    raise _needless(alignment, LOG)


def _dates_unmoved(text: str, alignment: Alignment, reader: Reader) -> bool:
    from marea.capture.probe import nothing_new

    position = Position.from_text(text)
    same = position.dates == dates_digest(alignment.entity)
    return same and nothing_new(position, alignment.source.dialect, reader)


def _nothing_written(text: str, alignment: Alignment, reader: Reader) -> bool:
    from marea.capture.transactions import Numbers, nothing_written

    return nothing_written(Numbers.from_text(text), alignment.source.dialect, reader)


def _trigger(alignment: Alignment, batches: BatchReader, known: Known) -> Capture:
    from marea.capture.trigger import Trigger

    source, name = _noting(alignment), alignment.entity.name
    triggers = source.triggers(watched(name, alignment.aggregate))
    return Trigger(batches, name, source.change_table(), triggers, source.let_go)


def _nothing_noted(text: str, alignment: Alignment, reader: Reader) -> bool:
    from marea.capture.trigger import nothing_noted

    table = _noting(alignment).change_table()
    return nothing_noted(text, alignment.entity.name, table, alignment.source.dialect, reader)


def _noting(alignment: Alignment) -> Noting:
    source = alignment.source
    if isinstance(source, Noting):
        return source
    raise _needless(alignment, TRIGGER)


def _nothing_logged(text: str, alignment: Alignment, reader: Reader) -> bool:
    from marea.capture.log import nothing_logged

    with suppress(ConfigurationError):  # the run itself says it
        return nothing_logged(text, logged(alignment), reader)
    return False


_MAKERS: dict[str, Callable[[Alignment, BatchReader, Known], Capture]] = {
    LOG: _log,
    TRIGGER: _trigger,
    WATERMARK: _watermark,
    XMIN: _xmin,
    SCAN: _scan,
}

CAPTURES = tuple(_MAKERS)
"""The names of all captures there are."""

_PROBES: dict[str, Callable[[str, Alignment, Reader], bool]] = {
    WATERMARK: _dates_unmoved,
    XMIN: _nothing_written,
    TRIGGER: _nothing_noted,
    LOG: _nothing_logged,
}
"""Captures that can tell cheaply that nothing is new: position, entity and one moment of its source."""
