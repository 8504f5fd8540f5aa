"""Owns the configuration as the engine uses it: plain frozen values, checked, secrets resolved.

`marea.config.load` makes them from a file. They import nothing heavy, so that a run with
nothing to do starts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marea.errors import Fault


@dataclass(frozen=True, slots=True)
class Window:
    """A planned window of time, in the local time of the machine Marea runs on."""

    days: tuple[int, ...]
    """The days it begins on; Monday is 0."""
    start: int
    """Minutes after midnight."""
    end: int
    """Minutes after midnight; below `start` when the window ends on the next day."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something runs: every so many seconds, or on some days at a time of day; else never."""

    every: float | None = None
    days: tuple[int, ...] = ()
    """Monday is 0."""
    at: int | None = None
    """Minutes after midnight, local time."""


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """One entry of `systems:`."""

    name: str
    connector: str
    """The entry point that serves it: postgresql, mysql, sqlite, mssql, rest, …"""
    url: str = field(repr=False)
    """As written, `${NAME}` replaced; never shown: it may hold a password."""
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Everything else of the entry as written, checked by its connector, secrets resolved."""
    maintenance: tuple[Window, ...] = ()
    """Windows in which nothing is sent to it."""
    line: int = 0
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that placeholders brought into url and options, and that are not to be shown."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Place below it as it is written, such as `url` or `auth.bearer` -> its line."""
    lacking: str = ""
    """What the environment lacks for it, so that it cannot be asked; empty where it has all."""

    def fault(self, message: str, place: str = "", hint: str = "") -> Fault:
        """A fault at a place below it, or of the whole; its file is known where the settings are."""
        path = ".".join(part for part in ("systems", self.name, place) if part)
        return Fault(message, line=self._line(place), field=path, hint=hint)

    def _line(self, place: str) -> int:
        """The line of the place, or of the nearest one around it that is written."""
        while place and place not in self.lines:
            place = place.rpartition(".")[0]
        return self.lines.get(place, self.line)


@dataclass(frozen=True, slots=True)
class RelationSettings:
    """One entry of `related:`; `children` are relations of this table's rows."""

    name: str
    table: str
    on: tuple[tuple[str, str], ...]
    """(its column, the column of the table it hangs on)."""
    modified: str | None = None
    where: str | None = None
    many: bool = False
    order: tuple[str, ...] = ()
    children: tuple[RelationSettings, ...] = ()
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Key as written -> its line."""

    @property
    def dated(self) -> bool:
        """Whether it or one of its own has a last-edit date."""
        return self.modified is not None or any(child.dated for child in self.children)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """An entity's `source:`."""

    system: str
    table: str
    key: tuple[str, ...]
    where: str | None = None
    modified: str | None = None
    capture: str = "auto"
    related: tuple[RelationSettings, ...] = ()
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Key as written -> its line."""

    @property
    def dated(self) -> bool:
        """Whether any of its tables has a last-edit date: without one every run reads all."""
        return self.modified is not None or any(relation.dated for relation in self.related)


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """An entity's `target:`; `options` are for its connector."""

    system: str
    object: str
    key: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Key as written -> its line."""


def line_of(settings: SourceSettings | RelationSettings | TargetSettings, key: str) -> int:
    """The line on which a key stands, or on which the whole begins where the key is not written."""
    return settings.lines.get(key, settings.line)


@dataclass(frozen=True, slots=True)
class ScalarField:
    """A target field computed by an expression over root columns and relation.column."""

    name: str
    expression: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceField:
    """A target field holding the target id of another entity's record."""

    name: str
    entity: str
    value: tuple[str, ...]
    """Expressions that give that record's source key, one a key column, in order."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ListField:
    """A target field holding one object for each row of a `many` relation."""

    name: str
    relation: str
    fields: tuple[Field, ...]
    line: int = 0


Field = ScalarField | ReferenceField | ListField


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """One entry of `checks:`: a condition over the mapped fields and what to say when it fails."""

    that: str
    say: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class DeletesSettings:
    """An entity's `deletes:`: what a delete in the source is to do at the target."""

    action: str = "propagate"
    """`propagate`, `deactivate` or `ignore`."""
    values: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """The fields that `deactivate` sets at the target, and to what."""


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """An entity's `guard:`: deletes that are more than both bounds are to be held back."""

    deletes: float = 0.1
    """The fraction of the entity's records."""
    at_least: int = 100
    """Records."""


@dataclass(frozen=True, slots=True)
class EntitySettings:
    """One entry of `entities:`, defaults applied."""

    name: str
    source: SourceSettings
    target: TargetSettings
    fields: tuple[Field, ...]
    require: tuple[str, ...] = ()
    checks: tuple[CheckSettings, ...] = ()
    lag: float = 0.0
    """Seconds of extra overlap for stamps that are set by clients."""
    deletes: DeletesSettings = DeletesSettings()
    guard: GuardSettings = GuardSettings()
    schedule: Schedule | None = None
    """When to synchronize it; None leaves it to those who ask."""
    scan: Schedule | None = None
    """When to compare all of it."""
    private: tuple[str, ...] = ()
    """Fields whose values are shown to nobody: the log says only that they changed."""
    line: int = 0

    def references(self) -> tuple[ReferenceField, ...]:
        """Every reference of the entity, those inside lists included."""
        return tuple(_references(self.fields))


def _references(fields: tuple[Field, ...]) -> list[ReferenceField]:
    found: list[ReferenceField] = []
    for item in fields:
        if isinstance(item, ReferenceField):
            found.append(item)
        elif isinstance(item, ListField):
            found.extend(_references(item.fields))
    return found


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration file."""

    file: str
    state: str = field(repr=False)
    """URL of the state database, relative SQLite paths resolved against the file's folder."""
    systems: Mapping[str, SystemSettings]
    entities: Mapping[str, EntitySettings]
    """In the order of the file."""
