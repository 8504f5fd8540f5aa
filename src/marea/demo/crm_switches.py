"""Owns what an administrator can ask of the demo CRM: maintenance, faults, its calls and callers."""

from __future__ import annotations

from asyncio import Transport
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


class Sessions:
    """The connections that calls came by."""

    def __init__(self) -> None:
        self._open: dict[Transport, str] = {}
        self._count = 0

    def enter(self, transport: Transport | None) -> None:
        """A call comes by this connection; None: it is gone already."""
        if transport is not None and transport not in self._open:
            self._count += 1
            self._open[transport] = str(self._count)

    def shown(self) -> list[str]:
        """The names of those that are open, none of which comes again."""
        self._open = {each: name for each, name in self._open.items() if not each.is_closing()}
        return list(self._open.values())
