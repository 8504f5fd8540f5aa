"""Marea keeps a CRM, portal or shop aligned with an ERP database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marea.engine.project import Project
    from marea.engine.project import open_project as open  # noqa: A004  # marea.open reads as it is meant
    from marea.engine.run.ended import Run
    from marea.errors import (
        ConfigurationError,
        EntityBusy,
        Fault,
        MareaError,
        RunStopped,
        SystemUnreachable,
    )
    from marea.stop import Stop
    from marea.store.journal import Entry

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "EntityBusy",
    "Entry",
    "Fault",
    "MareaError",
    "Project",
    "Run",
    "RunStopped",
    "Stop",
    "SystemUnreachable",
    "open",
]

_HOMES = {
    "Entry": "marea.store.journal",
    "Project": "marea.engine.project",
    "Run": "marea.engine.run.ended",
    "Stop": "marea.stop",
    "open": "marea.engine.project",
}
_NAMES = {"open": "open_project"}


def __getattr__(name: str) -> object:
    """The public names, each imported when first used: `import marea` costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'marea' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "marea.errors")), _NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
