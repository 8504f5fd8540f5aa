"""Owns the making of connectors by name."""

from __future__ import annotations

from typing import cast

from marea.config.declared import found
from marea.config.mistake import Mistake
from marea.errors import ConfigurationError
from marea.ports import Connector


def connector(name: str) -> Connector:
    """The connector of that name. Raises ConfigurationError with the nearest name."""
    try:
        return cast("Connector", found(name)())
    except Mistake as mistake:
        raise ConfigurationError.single(mistake.message, hint=mistake.hint) from None
