"""Owns the hazards of the history: how many rows each has, and how what it does can be noticed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bench.loss import plays
from bench.loss.history import Operation, Stamp
from bench.loss.plays import Play


class Trace(Enum):
    """What a hazard leaves behind for whoever looks later: all that a capture could notice."""

    DATED = auto()
    """Rows with a last-edit date that no earlier run could pass."""
    UNDATED = auto()
    """Rows that differ, and whose date does not tell."""
    GONE = auto()
    """One party less."""
    CHILD_GONE = auto()
    """One address less in a party that nothing else happened to."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """A kind of thing that happens to rows; the shares say of how many, as parts of the usual number."""

    name: str
    trace: Trace
    play: Play
    parties: float = 0.0
    fresh: float = 0.0
    addresses: float = 0.0
    fresh_addresses: float = 0.0
    parents: bool = False
    """Whether only its addresses count, and its parties are there to have them."""


def _of_addresses(name: str, trace: Trace, play: Play) -> Hazard:
    return Hazard(name, trace, play, parties=1, addresses=1, parents=True)


HAZARDS = (
    Hazard("ordinary edit", Trace.DATED, plays.ordinary, parties=4, fresh=1),
    Hazard("late commit", Trace.DATED, plays.stays_open(commit=True), parties=0.5, fresh=0.5),
    Hazard("rolled back", Trace.DATED, plays.stays_open(commit=False), parties=0.5, fresh=0.5),
    Hazard("stamp read last", Trace.DATED, plays.tie, parties=0.5, fresh=0.5),
    Hazard("again in one stamp", Trace.DATED, plays.again, parties=1),
    Hazard("direct SQL", Trace.UNDATED, plays.edits(Stamp.KEPT), parties=1),
    Hazard("stamp NULL", Trace.UNDATED, plays.edits(Stamp.NONE), parties=0.5, fresh=0.5),
    Hazard("stamp set back", Trace.UNDATED, plays.edits(Stamp.BACK), parties=0.5, fresh=0.5),
    Hazard("deleted", Trace.GONE, plays.once(Operation.DELETE), parties=1),
    Hazard("deleted with addresses", Trace.GONE, plays.whole, parties=0.5, addresses=1),
    Hazard("deleted, back at once", Trace.DATED, plays.replaced, parties=1),
    Hazard(
        "deleted, back later", Trace.DATED, plays.away_and_back(Operation.DELETE, Operation.INSERT), parties=1
    ),
    Hazard("key changed", Trace.GONE, plays.rekeyed, parties=1, fresh=1),
    Hazard("left the filter", Trace.GONE, plays.once(Operation.CLOSE), parties=1),
    Hazard(
        "left it, came back", Trace.DATED, plays.away_and_back(Operation.CLOSE, Operation.REOPEN), parties=1
    ),
    _of_addresses("address edited", Trace.DATED, plays.addresses(Operation.EDIT)),
    Hazard("address added", Trace.DATED, plays.new_addresses, parties=0.5, fresh_addresses=1, parents=True),
    _of_addresses("address moved", Trace.CHILD_GONE, plays.addresses(Operation.MOVE)),
    _of_addresses("address deleted", Trace.CHILD_GONE, plays.addresses(Operation.DELETE)),
    _of_addresses("address, direct SQL", Trace.UNDATED, plays.addresses(Operation.EDIT, Stamp.KEPT)),
    Hazard("stamp ahead", Trace.DATED, plays.ahead, parties=1),
    Hazard("stamp ahead, then edited", Trace.DATED, plays.ahead_and_after, parties=1),
    Hazard("edited after a stamp ahead", Trace.DATED, plays.after, parties=0.5, fresh=0.5),
    Hazard("as many gone as put back", Trace.GONE, plays.swapped, parties=0.5, fresh=0.5),
)
"""In the order of the report. Rows of one hazard are of no other."""
