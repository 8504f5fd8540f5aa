"""Owns what one run has announced of one entity's deliveries and not yet answered."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.store.custody import Custody
    from marea.store.state import State


class Intents:
    """The intents of one entity in one run; the stages that plan and that commit share it."""

    def __init__(self, state: State, custody: Custody) -> None:
        self._state = state
        self._custody = custody
        self._numbers = itertools.count()
        self._open: dict[int, pa.ChunkedArray] = {}

    def announce(self, keys: pa.ChunkedArray) -> int:
        """Commits that these records are about to be delivered; gives the number of the intent.

        Raises RunStopped when the lease was lost: nothing may be delivered then (I4).
        """
        number = next(self._numbers)
        self._state.intend(self._custody, number, keys)
        self._open[number] = keys
        return number

    def answered(self, number: int | None) -> None:
        """The outcome of an intent is committed."""
        if number is not None:
            del self._open[number]

    def leave(self) -> None:
        """Announces again, for the next run to take up, what was sent while another run had the entity.

        That run took these intents over before this one's records may have reached the target.
        """
        for number, keys in self._open.items():
            self._state.leave(self._custody, number, keys)
