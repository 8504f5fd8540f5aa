"""Owns the finding of connectors by name: the built-in ones by their folder, installed ones by entry point.

The built-in ones have entry points as well, like those of any package; but scanning all installed
packages costs more than the whole start of a run with nothing to do.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from marea.config import addresses
from marea.config.names import suggest
from marea.connectors.base import Connector
from marea.errors import ConfigurationError

GROUP = "marea.connectors"


def connector(name: str) -> Connector:
    """The connector of that name. Raises ConfigurationError with the nearest name."""
    if addresses.built_in(name):
        return cast("Connector", getattr(import_module(f"{GROUP}.{name}"), class_name(name))())
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        if point.name == name:
            return cast("Connector", point.load()())
    raise ConfigurationError.single(
        f'there is no connector "{name}"', hint=suggest(name, addresses.connectors())
    )


def class_name(name: str) -> str:
    """What the class of a built-in connector is called: `SqliteConnector`."""
    return f"{name.capitalize()}Connector"
