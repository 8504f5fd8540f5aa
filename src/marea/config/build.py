"""Owns the way from the file's models to the settings the engine uses: defaults applied, lines kept."""

from __future__ import annotations

from typing import TypeVar

from marea.config import file
from marea.config.options import OWN
from marea.config.settings import (
    CheckSettings,
    DeletesSettings,
    EntitySettings,
    Field,
    GuardSettings,
    ListField,
    ReferenceField,
    RelationSettings,
    ScalarField,
    Schedule,
    Settings,
    SourceSettings,
    SystemSettings,
    TargetSettings,
)
from marea.config.tree import Document, Path
from marea.config.values import NEVER

T = TypeVar("T")


def settings(document: Document, model: file.MareaFile) -> Settings:
    """The settings as written: placeholders are still in their place."""
    builder = _Builder(document, model.defaults)
    return Settings(
        file=document.file,
        state=model.state,
        systems={name: builder.system(name, system) for name, system in model.systems.items()},
        entities={name: builder.entity(name, entity) for name, entity in model.entities.items()},
    )


class _Builder:
    def __init__(self, document: Document, defaults: file.DefaultsFile) -> None:
        self._document = document
        self._defaults = defaults

    def system(self, name: str, model: file.SystemFile) -> SystemSettings:
        path = ("systems", name)
        given = self._document.values["systems"][name]
        return SystemSettings(
            name=name,
            connector=model.connector or "",
            url=model.url,
            options={key: value for key, value in given.items() if key not in OWN},
            maintenance=tuple(model.maintenance),
            line=self._document.line(path),
            lines=self._document.below(path),
        )

    def entity(self, name: str, model: file.EntityFile) -> EntitySettings:
        path: Path = ("entities", name)
        defaults = self._defaults
        return EntitySettings(
            name=name,
            source=self._source(path, model.source),
            target=self._target(path, model.target),
            fields=self._fields((*path, "fields"), model.fields),
            require=tuple(model.require or ()),
            checks=self._checks((*path, "checks"), model.checks),
            lag=_first(model.lag, defaults.lag, 0.0),
            deletes=_first(model.deletes, defaults.deletes, DeletesSettings()),
            guard=self._guard(model.guard),
            schedule=_when(model.schedule, defaults.schedule),
            scan=_when(model.scan, defaults.scan),
            private=tuple(model.private or ()),
            line=self._document.line(path),
        )

    def _source(self, path: Path, model: file.SourceFile) -> SourceSettings:
        path = (*path, "source")
        return SourceSettings(
            system=model.system,
            table=model.table,
            key=tuple(model.key),
            where=model.where,
            modified=model.modified,
            capture=model.capture or self._defaults.capture or "auto",
            related=self._relations((*path, "related"), model.related),
            line=self._document.line(path),
            lines=self._document.keys(path),
        )

    def _target(self, path: Path, model: file.TargetFile) -> TargetSettings:
        path = (*path, "target")
        return TargetSettings(
            system=model.system,
            object=model.object_,
            key=tuple(model.key),
            options=dict(model.model_extra or {}),
            line=self._document.line(path),
            lines=self._document.keys(path),
        )

    def _relations(self, path: Path, models: dict[str, file.RelationFile]) -> tuple[RelationSettings, ...]:
        return tuple(self._relation((*path, name), name, model) for name, model in models.items())

    def _relation(self, path: Path, name: str, model: file.RelationFile) -> RelationSettings:
        return RelationSettings(
            name=name,
            table=model.table,
            on=tuple(model.on.items()),
            modified=model.modified,
            where=model.where,
            many=model.many,
            order=tuple(model.order or ()),
            children=self._relations((*path, "related"), model.related),
            line=self._document.line(path),
            lines=self._document.keys(path),
        )

    def _fields(self, path: Path, models: dict[str, file.FieldFile]) -> tuple[Field, ...]:
        return tuple(self._field((*path, name), name, model) for name, model in models.items())

    def _field(self, path: Path, name: str, model: file.FieldFile) -> Field:
        line = self._document.line(path)
        if isinstance(model, file.ReferenceFile):
            return ReferenceField(name, model.reference, tuple(model.value), line)
        if isinstance(model, file.ListFile):
            return ListField(name, model.list_, self._fields((*path, "fields"), model.fields), line)
        return ScalarField(name, model, line)

    def _checks(self, path: Path, models: list[file.CheckFile]) -> tuple[CheckSettings, ...]:
        return tuple(
            CheckSettings(model.that, model.say, self._document.line((*path, position)))
            for position, model in enumerate(models)
        )

    def _guard(self, model: file.GuardFile | None) -> GuardSettings:
        own, default, otherwise = model or file.GuardFile(), self._defaults.guard, GuardSettings()
        default = default or file.GuardFile()
        return GuardSettings(
            _first(own.deletes, default.deletes, otherwise.deletes),
            _first(own.at_least, default.at_least, otherwise.at_least),
        )


def _first(own: T | None, default: T | None, otherwise: T) -> T:
    if own is not None:
        return own
    return default if default is not None else otherwise


def _when(own: Schedule | None, default: Schedule | None) -> Schedule | None:
    chosen = _first(own, default, NEVER)
    return chosen if chosen != NEVER else None
