"""Owns the durable position of a first load on its way, whatever capture goes on when it is through."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a first load has read in key order, and where its capture stands when it is through."""

    after: str | None
    """The last key that was read, as JSON text; None at the start."""
    then: str
    """The position of the capture, from before the first record was read."""

    def to_text(self) -> str:
        """The durable form."""
        value = {"sweep": {"after": self.after, "then": self.then}}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def swept(position: str | None) -> Sweep | None:
    """The first load that a position tells of; None where it is through, or was never begun."""
    if position is None:
        return None
    value = json.loads(position).get("sweep")
    return Sweep(value["after"], value["then"]) if value else None
