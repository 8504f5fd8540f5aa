"""Owns the decision to try a call again, as a pure function of what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from marea.model import INTERRUPTED


@dataclass(frozen=True, slots=True)
class Policy:
    """How long one record may be insisted on within one delivery, in seconds."""

    attempts: int = 4
    first: float = 0.25
    longest: float = 8.0
    patience: float = 60.0
    """From the first attempt to the last, waits and timeouts included."""
    throttle: float = 120.0
    """The same, while the application only asks for a slower pace (429)."""
    outage: float = 5.0
    """The longest wait that an application in maintenance (503) may ask for; more means: come back later."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no decision on its record."""

    code: str
    """`http 503`, `timeout`, `connection`, `tls`, `dns`, `login`, `answer`."""
    text: str
    away: bool = False
    """The application is not there at all; else only this call failed."""
    sent: bool = True
    """The application may have applied it."""
    lost: bool = False
    """It may have, and nothing was heard of it; else the application itself said that it failed."""
    again: bool = True
    """Whether trying again at once may help."""
    asked: float | None = None
    """Seconds the application asked to wait."""
    option: str = ""
    """The option by which an answer that came was looked up in vain, such as `batch.results`."""

    @property
    def throttled(self) -> bool:
        """Whether the application is well and only asks for a slower pace."""
        return self.code == "http 429"

    @property
    def led_away(self) -> bool:
        """Whether the answer only leads on, as to a login: it says nothing of what was sent."""
        return self.code.startswith("http 3")

    @property
    def absent(self) -> bool:
        """Whether nothing more can be delivered now, to any record."""
        return self.away or self.throttled


ENDED = Failure(INTERRUPTED, "the run was ended before it was sent", sent=False, again=False)
"""The failure of a call that was not begun any more, because its delivery was asked to end."""


def decide(failure: Failure, attempt: int, elapsed: float, policy: Policy) -> float | None:
    """Seconds to wait before the next attempt, None to give up.

    `attempt` counts from 1, `elapsed` is the time since the first began. A wait that
    the application asked for is respected in full or not taken at all.
    """
    if not failure.again:
        return None
    if failure.asked is not None:
        return _asked(failure, failure.asked, attempt, elapsed, policy)
    wait = min(policy.longest, policy.first * 2 ** (attempt - 1))
    limit = policy.throttle if failure.throttled else policy.patience
    tired = attempt >= policy.attempts and not failure.throttled
    return None if tired or elapsed + wait > limit else wait


def _asked(failure: Failure, asked: float, attempt: int, elapsed: float, policy: Policy) -> float | None:
    if failure.throttled:  # a pace asked for is no attempt; the total wait alone ends it
        wait = max(asked, policy.first)
        return wait if elapsed + wait <= policy.throttle else None
    return asked if asked <= policy.outage and attempt < policy.attempts else None


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds a Retry-After header asks for, whether it counts seconds or names a date."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
