"""Owns the decision when a record that was not applied is tried again; pure."""

from __future__ import annotations

from collections.abc import Sequence

from marea.model import ABSENT, GUARD, ID_TAKEN, LEAVING, NO_KEY, UNKNOWN, UNREADABLE, Outcome, Problem

MINUTE = 60.0
SCHEDULE = (15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE)
"""Seconds until the next attempt, by the attempts made; the last one goes on for good."""

SOON = (MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE)
"""The same for a record whose answer was lost: it may be there, so it is settled soon."""

NEVER_ALONE = ("required", "check", "expression", "not-one", NO_KEY, UNREADABLE, ID_TAKEN)
"""Codes of rejections that time does not mend: they need a change in source or mapping, or a resend."""


def next_attempt(outcome: Outcome, problem: Problem, attempt: int, now: int) -> int | None:
    """When to try again, in microseconds since 1970; None: on a new change or on request alone.

    `attempt` counts the deliveries made, this one included. A deferred record is due at
    once where its target was away, which is no attempt. A waiting one is released by its parent. One
    that has left the source comes back when it is there again, and leaves the target when a run ends, or
    when a delete that was held back is approved.
    """
    if problem.code in (ABSENT, LEAVING, GUARD):
        return None
    if outcome is Outcome.DEFERRED:
        return _after(SOON, attempt, now) if problem.code == UNKNOWN else now
    if outcome is Outcome.WAITING or problem.code in NEVER_ALONE:
        return None
    return _after(SCHEDULE, attempt, now)


def _after(schedule: Sequence[float], attempt: int, now: int) -> int:
    return now + int(schedule[min(attempt, len(schedule)) - 1] * 1_000_000)
