"""Owns the reading of a SQLite file's address."""

from __future__ import annotations

from marea.config.settings import SystemSettings
from marea.errors import ConfigurationError

_PREFIX = "sqlite:///"


def path(system: SystemSettings) -> str:
    """The file of `sqlite:///relative/path` or `sqlite:////absolute/path`."""
    name = system.url.removeprefix(_PREFIX)
    if not system.url.startswith(_PREFIX) or not name or name.startswith(":"):
        raise ConfigurationError.single(
            f"the url of system {system.name} names no file",
            line=system.line,
            hint="write sqlite:///path/to/file.db",
        )
    return name
