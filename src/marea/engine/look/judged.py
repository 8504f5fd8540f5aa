"""Owns the options of systems that their connectors refuse, and what can be asked without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from marea.config.settings import Settings, SystemSettings
from marea.connectors.base import option_faults
from marea.connectors.registry import connector
from marea.errors import ConfigurationError, Fault

Judged = tuple[list[Fault], Mapping[str, SystemSettings], set[str]]
"""Faults; the systems without the options at fault; the names of those that cannot be asked even so."""


def judged(settings: Settings) -> Judged:
    """What is wrong with the options of all systems; opens nothing, raises nothing."""
    faults: list[Fault] = []
    usable: dict[str, SystemSettings] = {}
    unusable: set[str] = set()
    for name, system in settings.systems.items():
        found = _faults(settings.file, system)
        faults += found
        usable[name] = _without_faulty(settings.file, system) if found else system
        if found and _faults(settings.file, usable[name]):
            unusable.add(name)
    return faults, usable, unusable


def _faults(file: str, system: SystemSettings) -> list[Fault]:
    try:
        found = connector(system.connector).validate(system.options)
    except ConfigurationError as error:
        return list(error.faults)
    return [replace(fault, file=file) for fault in option_faults(system, found)]


def _without_faulty(file: str, system: SystemSettings) -> SystemSettings:
    """The system with those of its options that are sound each by itself."""
    alone = {name: replace(system, options={name: value}) for name, value in system.options.items()}
    sound = {name: value for name, value in system.options.items() if not _faults(file, alone[name])}
    return replace(system, options=sound)
