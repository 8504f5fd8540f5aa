"""Owns what is compared: the facts a target should hold and holds, and what a run wrote there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import psycopg

from bench.loss.history import ADDRESS, PARTY, Key

Facts = Mapping[Key, Sequence[str]]
"""Of each row its values, as often as it is there."""
Versions = Mapping[Key, tuple[str, str]]
"""Of each row of a target's tables its values, and the transaction that wrote it last."""

PARTY_VALUES = "ROW(code, name, trim_scale(credit::numeric), stamp::timestamp)::text"
ADDRESS_VALUES = "ROW(id::integer, party, city, stamp::timestamp)::text"


class Fault(Enum):
    """What may be wrong with a row of the source at a target."""

    LOST = "lost"
    STALE = "stale"
    NOT_DELETED = "not deleted"
    NEEDLESS = "sent needlessly"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a target holds the rows: SELECTs of key and values, by table, and of values and xmin besides."""

    facts: Mapping[str, str]
    written: Mapping[str, str]


SOURCE = {
    PARTY: f"SELECT code, {PARTY_VALUES} FROM party WHERE NOT closed",
    ADDRESS: f"SELECT id::text, {ADDRESS_VALUES} FROM address",
}
"""What a target should hold. Parties outside the filter have no addresses here."""


def tables(party: str = PARTY, address: str = ADDRESS, mark: str = "''") -> Shape:
    """Of a target with a table for each, or what a reader of it takes for them; `mark` tells deleted rows."""
    facts = {
        PARTY: f"SELECT code, {PARTY_VALUES} FROM {party}",
        ADDRESS: f"SELECT id::text, {ADDRESS_VALUES} FROM {address}",
    }
    written = {
        PARTY: f"SELECT code, {PARTY_VALUES} || {mark}, xmin::text FROM party",
        ADDRESS: f"SELECT id::text, {ADDRESS_VALUES} || {mark}, xmin::text FROM address",
    }
    return Shape(facts, written)


AGGREGATES = Shape(
    {
        PARTY: f"SELECT code, {PARTY_VALUES} FROM party",
        ADDRESS: f"""
            SELECT id, {ADDRESS_VALUES} FROM (
                SELECT line ->> 'id' AS id, code AS party, line ->> 'city' AS city, line ->> 'stamp' AS stamp
                FROM party, jsonb_array_elements(addresses::jsonb) AS line
            ) AS lines""",
    },
    {PARTY: f"SELECT code, {PARTY_VALUES} || addresses::text, xmin::text FROM party"},
)
"""Of a target that holds each party with the list of its addresses."""


def facts(url: str, selects: Mapping[str, str]) -> Facts:
    """What is in a database."""
    found: dict[Key, list[str]] = {}
    for table, rows in _read(url, selects):
        for key, values in rows:
            found.setdefault((table, key), []).append(values)
    return found


def versions(url: str, selects: Mapping[str, str]) -> Versions:
    """What stands in a target's tables, and who wrote it; empty while it has none."""
    found: dict[Key, tuple[str, str]] = {}
    try:
        for table, rows in _read(url, selects):
            found |= {(table, key): (values, version) for key, values, version in rows}
    except psycopg.errors.UndefinedTable:
        return {}
    return found


def _read(url: str, selects: Mapping[str, str]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        for table, select in selects.items():
            yield table, connection.execute(select).fetchall()


def differences(expected: Facts, found: Facts) -> Iterator[tuple[Key, Fault]]:
    """Every row that is not as it should be; one that is there twice is stale."""
    for key, values in expected.items():
        if key not in found:
            yield key, Fault.LOST
        elif found[key] != values:
            yield key, Fault.STALE
    yield from ((key, Fault.NOT_DELETED) for key in found if key not in expected)


def needless(before: Versions, after: Versions) -> Iterator[Key]:
    """Every row that was written although it was equal to what stood there."""
    for key, (values, version) in after.items():
        old = before.get(key)
        if old and old[0] == values and old[1] != version:
            yield key


@dataclass(slots=True)
class Tally:
    """How many rows are wrong, by hazard and fault."""

    counts: Counter[tuple[str, Fault]] = field(default_factory=Counter)

    def of(self, hazard: str, fault: Fault) -> int:
        """Those of a hazard."""
        return self.counts[hazard, fault]

    def total(self, fault: Fault) -> int:
        """Those of all hazards."""
        return sum(number for (_, each), number in self.counts.items() if each is fault)


def tally(faults: Iterable[tuple[Key, Fault]], hazards: Mapping[Key, str], quiet: str) -> Tally:
    """Counts faults by the hazard of their row; `quiet` names rows of none."""
    return Tally(Counter((hazards.get(key, quiet), fault) for key, fault in faults))
