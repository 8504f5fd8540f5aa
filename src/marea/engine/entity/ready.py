"""Owns making entities ready: the faults of all of them are known before anything is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from marea.engine.entity.captures import check_capture, check_installed
from marea.engine.entity.known import basis_for
from marea.engine.entity.neighbours import remembered, take_place
from marea.errors import ConfigurationError, Fault, in_order

if TYPE_CHECKING:
    from marea.config.settings import Settings
    from marea.engine.entity.alignment import Alignment
    from marea.engine.entity.request import Request
    from marea.store.state import EntityRow, State


def check(
    settings: Settings, state: State, alignment: Alignment, row: EntityRow, request: Request
) -> list[str]:
    """What there is to note of an entity.

    Raises ConfigurationError with every fault of it that lies on this side of its target, SystemUnreachable.
    """
    alignment.compile()
    check_capture(alignment)
    check_installed(alignment, row)
    alignment.check_condition(request.where)
    if request.anew:
        return []
    alignment.check_basis(basis_for(state, row, alignment.basis, request))
    return take_place(alignment, row.basis, partial(remembered, state), settings)


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
