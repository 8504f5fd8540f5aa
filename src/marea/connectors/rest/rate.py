"""Owns the pace of calls: a token bucket over a clock that is given."""

from __future__ import annotations


class Bucket:
    """Gives each call its moment: never more than `rate` a second after a burst of a tenth of a second.

    Pure over `now` (seconds of any steady clock). A call reserves its moment when it asks,
    so a late waker does not push the others back.
    """

    def __init__(self, rate: float | None) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._slack = max(0.0, 0.1 - self._gap)
        self._next = float("-inf")
        self._held = float("-inf")

    def reserve(self, now: float) -> float:
        """Seconds the caller must wait before its call."""
        moment = max(self._next, now - self._slack, self._held)
        self._next = moment + self._gap
        return max(0.0, moment - now)

    def hold(self, until: float) -> None:
        """Lets nothing pass before `until`: the application asked for a rest."""
        self._held = max(self._held, until)
