"""Owns the durable position of the watermark capture: per table, how far its stamps have been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from marea.capture import form
from marea.capture.horizon import Mark
from marea.sql.feeds import Cursor

VERSION = 1


@dataclass(frozen=True, slots=True)
class Feed:
    """A table with a last-edit date as SQL knows it: enough to ask whether anything is new there."""

    table: str
    stamp: str
    native: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where the capture of one entity stands; opaque text to everyone else."""

    cursors: Mapping[str, Cursor | None] = field(default_factory=dict)
    """Feed -> how far its stamps were read; None: every row that has a stamp is still to be read."""
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    """The feeds as they were bound when the position was written."""
    marks: tuple[Mark, ...] = ()
    """When earlier runs asked which transactions were open, as far as the next one may need it."""
    dates: str = ""
    """The digest of the entity's last-edit dates in the configuration at that time."""

    def moved(self, feed: str, cursor: Cursor | None) -> Position:
        """This position with one feed moved."""
        return replace(self, cursors={**self.cursors, feed: cursor})

    def to_text(self) -> str:
        """The durable form; its version allows later forms to be told apart."""
        value: dict[str, object] = {"cursors": _dump(self.cursors)}
        if self.feeds:
            value["feeds"] = {
                name: [feed.table, feed.stamp, feed.native] for name, feed in self.feeds.items()
            }
        if self.marks:
            value["marks"] = [_dump_mark(mark) for mark in self.marks]
        if self.dates:
            value["dates"] = self.dates
        return form.written(VERSION, value)

    @classmethod
    def from_text(cls, text: str) -> Position:
        """The position of a durable text. Raises RunStopped for one of a newer program."""
        value = form.read(VERSION, text)
        return cls(
            cursors=_load(value["cursors"]),
            feeds={name: Feed(*parts) for name, parts in value.get("feeds", {}).items()},
            marks=tuple(_load_mark(*mark) for mark in value.get("marks", ())),
            dates=value.get("dates", ""),
        )


def _dump_mark(mark: Mark) -> list[object]:
    return [mark.at, *([dict(mark.latest)] if mark.latest else []), *sorted(mark.open)]


def _load_mark(at: float, *rest: dict[str, str] | str) -> Mark:
    latest = rest[0] if rest and isinstance(rest[0], dict) else {}
    return Mark(at, frozenset(name for name in rest if isinstance(name, str)), latest)


def _dump(cursors: Mapping[str, Cursor | None]) -> dict[str, object]:
    return {feed: _dump_cursor(cursor) for feed, cursor in cursors.items()}


def _dump_cursor(cursor: Cursor | None) -> dict[str, object] | None:
    if cursor is None:
        return None
    value: dict[str, object] = {"stamp": cursor.stamp}
    if cursor.key is not None:
        value["key"] = cursor.key
    if cursor.inclusive:
        value["inclusive"] = True
    return value


def _load(value: Mapping[str, Mapping[str, object] | None]) -> dict[str, Cursor | None]:
    return {feed: _load_cursor(cursor) if cursor else None for feed, cursor in value.items()}


def _load_cursor(value: Mapping[str, object]) -> Cursor:
    key = value.get("key")
    return Cursor(str(value["stamp"]), str(key) if key is not None else None, bool(value.get("inclusive")))
