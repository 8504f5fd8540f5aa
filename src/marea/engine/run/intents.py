"""Owns what one run has announced of one entity's deliveries and not yet answered."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marea.store.custody import Announced, Custody
    from marea.store.state import State


class Intents:
    """The intents of one entity in one run; the stages that plan and that commit share it."""

    def __init__(self, state: State, custody: Custody) -> None:
        self._state = state
        self._custody = custody
        self._numbers = itertools.count()
        self._open: dict[int, Announced] = {}
        self._begun: set[int] = set()

    def announce(self, announced: Announced) -> int:
        """Commits that these records are about to be delivered; gives the number of the intent.

        Raises RunStopped when the lease was lost: nothing may be delivered then (I4).
        """
        number = next(self._numbers)
        self._state.intend(self._custody, number, announced)
        self._open[number] = announced
        return number

    def begun(self, number: int) -> None:
        """The delivery of an intent begins: from now on the target may have it."""
        self._begun.add(number)

    def answered(self, number: int | None) -> None:
        """The outcome of an intent is committed."""
        if number is not None:
            del self._open[number]
            self._begun.discard(number)

    def leave(self) -> None:
        """Leaves to the next run what was sent and not answered, and takes back what was not sent.

        To be called when nothing is being delivered any more. A run that has the entity meanwhile may
        have taken these intents up before this one's records reached the target.
        """
        for number, announced in self._open.items():
            if number in self._begun:
                self._state.leave(self._custody, number, announced)
            else:
                self._state.withdraw(self._custody, number)
        self._open.clear()
