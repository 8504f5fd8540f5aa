"""Owns what an administrator can ask of the demo CRM: maintenance, faults, the count of its calls."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Switches:
    """What goes wrong on request."""

    maintenance: bool = False
    """Everything but /admin answers 503."""
    retry_after: str = "30"
    """Retry-After of a 503 in maintenance."""
    latency: float = 0.0
    """Seconds before every answer."""
    lose: int = 0
    """The answer of the write that many writes from now is lost, after it was applied; 0 for none."""
    fail: frozenset[str] = frozenset()
    """Keys whose writes end with 500."""
    throttle: int = 0
    """How many of the next calls are answered with 429."""
    throttle_after: str = "1"
    """Retry-After of those."""


@dataclass(slots=True)
class Counts:
    """What was called and what it did since the start or the last reset."""

    calls: Counter[str] = field(default_factory=Counter)
    """By method and kind, e.g. `PUT key`, `POST batch`, `GET find`."""
    records: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Object -> created, updated, unchanged, deleted, refused."""
    now: int = 0
    """Calls being served."""
    peak: int = 0
    """The most at once."""

    def enter(self, kind: str) -> None:
        """A call begins."""
        self.calls[kind] += 1
        self.now += 1
        self.peak = max(self.peak, self.now)

    def shown(self) -> dict[str, object]:
        """As JSON."""
        records = {name: dict(counter) for name, counter in sorted(self.records.items())}
        return {"calls": dict(sorted(self.calls.items())), "records": records, "peak": self.peak}
