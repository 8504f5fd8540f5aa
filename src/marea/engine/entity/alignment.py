"""Owns one entity made ready to run: its source bound, its mapping compiled, its target prepared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from marea.capabilities import Foreseeing, GivingIds, Making
from marea.config.digest import content_salt
from marea.config.settings import EntitySettings, ReferenceField, Settings, line_of
from marea.engine.entity.basis import Basis, configured, differences, other_basis, source_part
from marea.engine.entity.condition import check_taken
from marea.engine.entity.systems import Systems
from marea.errors import ConfigurationError, Fault, SystemUnreachable, in_order
from marea.ports import Column, Shape, Source, Target
from marea.sql.aggregate import Aggregate
from marea.sql.pages import Pages

if TYPE_CHECKING:
    from marea.mapping.expression import Parser
    from marea.mapping.mapper import Mapper
    from marea.mapping.sound import Bound


class Alignment:
    """An entity between its source and its target. What is costly is made when first needed.

    `delivered` says that records were delivered before, which its place must then still hold.
    """

    def __init__(
        self, settings: Settings, entity: EntitySettings, systems: Systems, *, delivered: bool = False
    ) -> None:
        self.entity = entity
        self._delivered = delivered
        self._settings = settings
        self.file = settings.file
        self._entities = settings.entities
        self._systems = systems

    @property
    def systems(self) -> set[str]:
        """The names of the systems it runs between."""
        return {self.entity.source.system, self.entity.target.system}

    def compile(self) -> None:
        """Find every fault there is now. Raises ConfigurationError, SystemUnreachable."""
        _ = self.mapper

    def check_condition(self, where: str | None) -> None:
        """Raises ConfigurationError where the source does not take a condition over the root table's rows."""
        if where is not None:
            check_taken(self.source, self.aggregate.table, where)

    @cached_property
    def source(self) -> Source:
        """The system its records are read from."""
        return self._systems.source(self.entity.source.system)

    @cached_property
    def aggregate(self) -> Aggregate:
        """The entity in its source's real tables.

        Raises ConfigurationError with all faults, those of its mapping included.
        """
        from marea.mapping.binding import Binder

        with self._systems.located():
            bound = Binder(self.file, self.entity, self.source, self._parser).bind()
        if bound.faults or bound.aggregate is None:
            raise ConfigurationError(in_order([*bound.faults, *self._further(bound)]))
        return bound.aggregate

    def _further(self, bound: Bound) -> list[Fault]:
        """The faults that only the engine finds, in what is sound of the entity."""
        from marea.mapping.mapper import Mapper

        try:
            if bound.aggregate:
                Mapper(self.file, bound.sound, bound.aggregate, self._keys())
        except ConfigurationError as error:
            return bound.news(error.faults)
        return []

    @cached_property
    def keys_apart(self) -> bool:
        """Whether no two of its records can have the same key at the target, by the mapping alone."""
        from marea.mapping.apart import keys_apart

        return keys_apart(self.entity, self.aggregate, self._parser)

    @cached_property
    def keys_stay(self) -> bool:
        """Whether a record's key at the target never changes while the mapping stays."""
        from marea.mapping.apart import keys_stay

        return keys_stay(self.entity, self.aggregate, self._parser)

    @cached_property
    def pages(self) -> Pages:
        """The queries that read it."""
        return Pages(self.source.dialect, self.aggregate)

    @cached_property
    def digested(self) -> Pages:
        """The queries that read it with the digests of its records."""
        return Pages(self.source.dialect, self.aggregate, content_salt(self.entity))

    @cached_property
    def _parser(self) -> Parser:
        from marea.mapping.expression import Parser
        from marea.sql import duck

        return Parser(duck.connect())

    @cached_property
    def mapper(self) -> Mapper:
        """Its compiled mapping. Raises ConfigurationError with all faults."""
        from marea.mapping.mapper import Mapper

        return Mapper(self.file, self.entity, self.aggregate, self._keys())

    def _keys(self) -> dict[str, list[Column]]:
        """The key columns of what it refers to; what cannot be seen now is told by that entity itself."""
        found: dict[str, list[Column]] = {}
        for name in dict.fromkeys(item.entity for item in self.entity.references()):
            settings = self._entities[name].source
            with suppress(SystemUnreachable):
                table = self._systems.source(settings.system).describe(settings.table)
                columns = [table.column(key) for key in settings.key] if table else []
                if columns and all(columns):
                    found[name] = [column for column in columns if column]
        return found

    def load_target(self) -> None:
        """Load the code that serves the target, ahead of its preparation; nothing is connected."""
        self._systems.target(self.entity.target.system)

    @cached_property
    def shape(self) -> Shape:
        """What its records look like at the target."""
        return replace(self.mapper.shape, delivered=self._delivered)

    @cached_property
    def configured(self) -> Basis:
        """The part of its basis that is known without asking its source. Raises ConfigurationError."""
        source, target = (self._systems.place(it.system) for it in (self.entity.source, self.entity.target))
        folder = Path(self.file).resolve().parent
        return configured(source, target, self._systems.addressing(self.entity), self.entity, folder)

    @cached_property
    def basis(self) -> Basis:
        """What its ledger is written under. Raises ConfigurationError, SystemUnreachable."""
        return {**self.configured, **source_part(self.aggregate.table.name, self.aggregate.key)}

    def check_basis(self, known: str | None) -> None:
        """Raises ConfigurationError where a ledger was written under another basis."""
        if found := differences(known, self.basis):
            raise ConfigurationError([other_basis(self._settings, self.entity, found)])

    @cached_property
    def repeats(self) -> bool:
        """Whether its target takes a create again that it may have applied. Raises ConfigurationError."""
        return self._systems.target(self.entity.target.system).repeats(self.shape)

    @cached_property
    def gives_ids(self) -> bool:
        """Whether its target knows its records by ids of its own. Raises ConfigurationError."""
        target = self._systems.target(self.entity.target.system)
        return isinstance(target, GivingIds) and target.gives_ids(self.shape)

    @cached_property
    def target(self) -> Target:
        """The system it is delivered to, prepared for it."""
        target = self._systems.target(self.entity.target.system)
        with self.placing():
            target.prepare(self.shape)
        return target

    @property
    def made_by_the_first_run(self) -> bool:
        """Whether its target lacks the place of its records and would make it; makes nothing.

        Raises ConfigurationError, SystemUnreachable.
        """
        target = self._systems.target(self.entity.target.system)
        with self.placing():
            return isinstance(target, Making) and target.would_make(self.shape)

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Gives the faults that its target finds the file, and the line of what they are about."""
        try:
            with self._systems.located():
                yield
        except ConfigurationError as error:
            raise ConfigurationError([self._placed(fault) for fault in error.faults]) from None

    def foreseen(self) -> list[Fault]:
        """What its prepared target may refuse, by its own description; an id of another's is no mere text."""
        target = self.target
        references = {f"fields.{it.name}" for it in self.entity.fields if isinstance(it, ReferenceField)}
        found = target.foreseen(self.shape) if isinstance(target, Foreseeing) else []
        return [self._placed(fault) for fault in found if fault.field not in references]

    def _placed(self, fault: Fault) -> Fault:
        """A fault that a target found, with the line of what it is about."""
        if fault.line:
            return fault
        part, _, name = fault.field.partition(".")
        lines = {item.name: item.line for item in self.entity.fields} if part == "fields" else {}
        line = lines.get(name) or line_of(self.entity.target, name.partition(".")[0])
        return replace(fault, file=self.file, line=line, entity=self.entity.name)
