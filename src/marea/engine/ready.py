"""Owns making entities ready: the faults of all of them are known before anything is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from marea.errors import ConfigurationError, Fault, in_order


def make_ready(*steps: Mapping[str, Callable[[], object]]) -> None:
    """Takes every entity through its steps; one that has a fault takes no further ones.

    Raises ConfigurationError with the faults of all of them.
    """
    faults: dict[str, tuple[Fault, ...]] = {}
    for step in steps:
        for name, action in step.items():
            if name not in faults:
                try:
                    action()
                except ConfigurationError as error:
                    faults[name] = error.faults
    if faults:
        raise ConfigurationError(in_order(fault for found in faults.values() for fault in found))
