"""Owns the systems of a project while it runs: each is connected when first needed, and once."""

from __future__ import annotations

from collections.abc import Mapping

from marea.config.settings import EntitySettings, SystemSettings
from marea.connectors.registry import connector
from marea.ports import Addressing, Source, Target


class Systems:
    """Sources and targets by the name of their system."""

    def __init__(self, settings: Mapping[str, SystemSettings]) -> None:
        self._settings = settings
        self._sources: dict[str, Source] = {}
        self._targets: dict[str, Target] = {}

    def place(self, name: str) -> str:
        """Where the system is, in one spelling, without its login. Raises ConfigurationError."""
        settings = self._settings[name]
        return connector(settings.connector).place(settings)

    def addressing(self, entity: EntitySettings) -> Mapping[str, str]:
        """How the entity's records are addressed at its target, where that is configured.

        Raises ConfigurationError.
        """
        settings = self._settings[entity.target.system]
        its = connector(settings.connector)
        return its.addressing(settings, entity) if isinstance(its, Addressing) else {}

    def source(self, name: str) -> Source:
        """The system as a source. Raises ConfigurationError where it is none."""
        if name not in self._sources:
            settings = self._settings[name]
            self._sources[name] = connector(settings.connector).source(settings)
        return self._sources[name]

    def target(self, name: str) -> Target:
        """The system as a target. Raises ConfigurationError where it is none."""
        if name not in self._targets:
            settings = self._settings[name]
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
