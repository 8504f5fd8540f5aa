"""Owns the SQLite connector: what it knows of a system's options, and its two roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marea.config.declared import Declaration
from marea.config.settings import SystemSettings

if TYPE_CHECKING:
    from marea.ports import Source, Target


class SqliteConnector:
    """A SQLite file, as a source and as a target."""

    declares = Declaration(("sqlite",), file=True, parameters=())

    def validate(self, options: Mapping[str, object]) -> list[str]:
        """It has none."""
        return [f"{option}: sqlite takes no options" for option in options]

    def place(self, system: SystemSettings) -> str:
        """The file itself, however many links lead to it."""
        from pathlib import Path

        from marea.connectors.sqlite.address import path

        return f"sqlite:///{Path(path(system)).resolve()}"

    def source(self, system: SystemSettings) -> Source:
        """Opens the file read-only; it must be there."""
        from marea.connectors.sqlite.source import SqliteSource

        return SqliteSource(system)

    def target(self, system: SystemSettings) -> Target:
        """Opens the file to write, and makes it when it is not there."""
        from marea.connectors.sqlite.target import SqliteTarget

        return SqliteTarget(system)
