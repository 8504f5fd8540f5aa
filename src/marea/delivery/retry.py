"""Owns the decision when a record that was not applied is tried again; pure."""

from __future__ import annotations

from marea.model import Outcome, Problem

MINUTE = 60.0
SCHEDULE = (15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE)
"""Seconds until the next attempt, by the attempts made; the last one goes on for good."""

NEVER_ALONE = ("required", "check", "expression", "not-one")
"""Codes of rules broken in the source: only a change there, or of the mapping, can help."""


def next_attempt(outcome: Outcome, problem: Problem, attempt: int, now: int) -> int | None:
    """When to try again, in microseconds since 1970; None: on a new change or on request alone.

    `attempt` counts the deliveries made, this one included. A deferred record is due at
    once: its target was away, which is no attempt. A waiting one is released by its parent.
    """
    if outcome is Outcome.DEFERRED:
        return now
    if outcome is Outcome.WAITING or problem.code in NEVER_ALONE:
        return None
    delay = SCHEDULE[min(attempt, len(SCHEDULE)) - 1]
    return now + int(delay * 1_000_000)
