"""Owns the finding of connectors by name: the built-in ones at once, installed ones by entry point."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from marea.config.names import suggest
from marea.connectors.base import Connector
from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "marea.connectors"

BUILT_IN = {
    "sqlite": "marea.connectors.sqlite:SqliteConnector",
    "postgresql": "marea.connectors.postgresql:PostgresqlConnector",
    "mysql": "marea.connectors.mysql:MysqlConnector",
    "mssql": "marea.connectors.mssql:MssqlConnector",
    "rest": "marea.connectors.rest:RestConnector",
}
"""The entry points of pyproject.toml again: scanning all installed packages for them costs more
than the whole start of a run with nothing to do. A test keeps the two equal."""


def connector(name: str) -> Connector:
    """The connector of that name. Raises ConfigurationError with the nearest name."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return cast("Connector", getattr(import_module(module), attribute)())
    for point in _installed():
        if point.name == name:
            return cast("Connector", point.load()())
    raise ConfigurationError.single(f'there is no connector "{name}"', hint=suggest(name, names()))


def names() -> list[str]:
    """Every connector that can be named, sorted."""
    return sorted({*BUILT_IN, *(point.name for point in _installed())})


def _installed() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP))
