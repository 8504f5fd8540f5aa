"""Owns the systems of a project while it runs: each is connected when first needed, and once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from marea.capabilities import Addressing
from marea.config.settings import EntitySettings, Settings, SystemSettings
from marea.connectors.registry import connector
from marea.errors import ConfigurationError, SystemUnreachable
from marea.ports import Source, Target


class Systems:
    """Sources and targets by the name of their system."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.file
        self._settings = settings.systems
        self._sources: dict[str, Source] = {}
        self._targets: dict[str, Target] = {}

    @contextmanager
    def located(self) -> Iterator[None]:
        """Gives the faults that a connector finds the file: it knows the lines of its system alone."""
        try:
            yield
        except ConfigurationError as error:
            faults = [replace(it, file=it.file or self._file) if it.line else it for it in error.faults]
            raise ConfigurationError(faults) from None

    def place(self, name: str) -> str:
        """Where the system is, in one spelling, without its login. Raises ConfigurationError."""
        settings = self._settings[name]
        with self.located():
            return connector(settings.connector).place(settings)

    def addressing(self, entity: EntitySettings) -> Mapping[str, str]:
        """How the entity's records are addressed at its target, where that is configured.

        Raises ConfigurationError.
        """
        settings = self._settings[entity.target.system]
        its = connector(settings.connector)
        with self.located():
            return its.addressing(settings, entity) if isinstance(its, Addressing) else {}

    def source(self, name: str) -> Source:
        """The system as a source.

        Raises ConfigurationError where it is none, SystemUnreachable where what it needs is not there.
        """
        if name not in self._sources:
            settings = self._settings[name]
            if settings.lacking:
                raise _not_asked(settings)
            with self.located():
                self._sources[name] = connector(settings.connector).source(settings)
        return self._sources[name]

    def target(self, name: str) -> Target:
        """The system as a target.

        Raises ConfigurationError where it is none. Where what it needs is not there it serves what asks
        nothing of it; SystemUnreachable where not even that can be told.
        """
        if name not in self._targets:
            settings = self._settings[name]
            with _as_far_as_told(settings), self.located():
                self._targets[name] = connector(settings.connector).target(settings)
        return self._targets[name]

    def close(self) -> None:
        """Give back every connection. Repeatable."""
        for source in self._sources.values():
            source.close()
        for target in self._targets.values():
            target.close()
        self._sources.clear()
        self._targets.clear()


@contextmanager
def _as_far_as_told(settings: SystemSettings) -> Iterator[None]:
    """Takes faults of a system that lacks something for that."""
    try:
        yield
    except ConfigurationError:
        if settings.lacking:
            raise _not_asked(settings) from None
        raise


def _not_asked(settings: SystemSettings) -> SystemUnreachable:
    return SystemUnreachable(settings.name, settings.lacking, asked=False)
