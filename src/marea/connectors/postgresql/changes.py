"""Owns following PostgreSQL's log: which rows of watched tables its messages name, page by page.

A transaction is in the log before a new snapshot shows it: between its commit and that moment the server
may even wait for a standby. A page ends before the first transaction that the reader's moment does
not show, since a record read without it would be settled with its notices let go of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from marea.capabilities import LogPage, Noted
from marea.connectors.postgresql.messages import (
    UNCHANGED,
    Begin,
    Commit,
    Delete,
    Identity,
    Insert,
    Message,
    Relation,
    Truncate,
    Update,
    Values,
)
from marea.connectors.postgresql.pgoutput import Malformed


@dataclass(frozen=True, slots=True)
class Followed:
    """A watched table as its log knows it."""

    path: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class _Page:
    """What was noted since the last page."""

    noted: dict[str, dict[Noted, None]] = field(default_factory=dict)
    size: int = 0
    whole: bool = False

    def add(self, path: str, noted: Noted) -> None:
        """Notes values once; those with NULL lead to no record."""
        known = self.noted.setdefault(path, {})
        if None not in noted and noted not in known:
            known[noted] = None
            self.size += 1

    def ended(self, position: str | None) -> LogPage:
        """The page, and where the log is read to with it."""
        return LogPage({path: list(noted) for path, noted in self.noted.items()}, position, whole=self.whole)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the values of a followed table stand in its rows, as these were at the time."""

    path: str
    places: tuple[int, ...]
    """None where a column went by another name, or was not there."""
    known: bool
    """Whether all its columns are there."""
    identified: bool
    """Whether a row's identity tells them, and so a message without it that they stayed."""


class Follower:
    """Follows the messages from one place of the log; serves one thread.

    `followed` are the watched tables by their number in the catalogs, `shows` says whether the reader's
    moment shows a transaction, by its number without the epoch.
    """

    def __init__(
        self, followed: Mapping[int, Sequence[Followed]], shows: Callable[[int], bool], rows: int
    ) -> None:
        self._followed = followed
        self._shows = shows
        self._rows = rows
        self._relations: dict[int, list[_Place]] = {}
        self._page = _Page()

    def pages(self, messages: Iterable[Message], after: int, upto: int) -> Iterator[LogPage]:
        """What the transactions changed whose commits begin behind `after`, about `rows` values a page.

        The last page is at `upto`, up to where `messages` go, or before the first transaction that is not
        shown. Within a long transaction pages have no position. Raises Malformed.
        """
        reached, taken = after, False
        for one in messages:
            if isinstance(one, Begin):
                if not self._shows(one.xid):
                    yield self._ended(reached)
                    return
                taken = one.commit >= after
            elif isinstance(one, Commit):
                reached = max(reached, one.end)
                if self._page.size >= self._rows:
                    yield self._ended(reached)
            elif isinstance(one, Relation):
                self._relations[one.id] = [_placed(one, it) for it in self._followed.get(one.id, ())]
            elif taken:
                self._note(one)
                if self._page.size >= self._rows:
                    yield self._ended(None)
        yield self._ended(max(reached, upto))

    def _ended(self, position: int | None) -> LogPage:
        page, self._page = self._page, _Page()
        return page.ended(lsn_text(position) if position is not None else None)

    def _note(self, one: Message) -> None:
        if isinstance(one, Truncate):
            self._page.whole = self._page.whole or any(it in self._followed for it in one.relations)
        elif isinstance(one, Insert | Update | Delete):
            if one.relation not in self._relations:
                raise Malformed("a row changed of a table that was not told")
            for place in self._relations[one.relation]:
                self._row(place, one)

    def _row(self, place: _Place, one: Insert | Update | Delete) -> None:
        """Notes the values of a row before and after; where they are not told any record may differ."""
        found = _noted(place, one) if place.known else None
        if found is None:
            self._page.whole = True
            return
        for noted in found:
            self._page.add(place.path, noted)


def _placed(relation: Relation, followed: Followed) -> _Place:
    names = {column.name: index for index, column in enumerate(relation.columns)}
    known = all(name in names for name in followed.columns)
    places = tuple(names[name] for name in followed.columns if name in names)
    identified = relation.identity is not Identity.FULL and all(
        relation.columns[index].identity for index in places
    )
    return _Place(followed.path, places, known, identified)


def _noted(place: _Place, one: Insert | Update | Delete) -> list[Noted] | None:
    """The values before and after; None where a message does not tell them."""
    if isinstance(one, Insert):
        return _both(place, None, one.new)
    before = one.old or (one.key if place.identified else None)
    if isinstance(one, Delete):
        return None if before is None else _both(place, before, None)
    if before is None and not place.identified:
        return None
    return _both(place, before, one.new)


def _both(place: _Place, before: Values | None, after: Values | None) -> list[Noted] | None:
    found: list[Noted] = []
    for values in (before, after):
        if values is not None:
            noted = _texts(place, values, before)
            if noted is None:
                return None
            found.append(noted)
    return found


def _texts(place: _Place, values: Values, before: Values | None) -> Noted | None:
    """The values of a row as texts; what an update left alone is as it was before."""
    texts: list[str | None] = []
    for index in place.places:
        if index >= len(values):
            raise Malformed("a row has fewer values than its table has columns")
        value = values[index]
        if value is UNCHANGED and before is not None:
            value = before[index]
        if value is UNCHANGED or isinstance(value, type(UNCHANGED)):
            return None
        texts.append(_decoded(value))
    return tuple(texts)


def _decoded(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        raise Malformed("a value is no UTF-8") from None


def lsn(text: str) -> int:
    """A place in the log from its text, `16/B374D848`."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(place: int) -> str:
    """The text of a place in the log."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def shown(snapshot: str) -> Callable[[int], bool]:
    """Whether a snapshot, `xmin:xmax:xip,…`, shows a transaction, by its number without the epoch.

    Decoded transactions lie within two billion of the snapshot, or they would have been frozen.
    """
    lowest, next_, open_ = snapshot.split(":")
    least, end = int(lowest), int(next_)
    running = {int(it) for it in open_.split(",") if it}

    def shows(xid: int) -> bool:
        apart = (xid - end) & 0xFFFFFFFF
        full = end + (apart - (1 << 32) if apart >= 1 << 31 else apart)
        return full < least or (full < end and full not in running)

    return shows
