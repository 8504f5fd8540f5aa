"""Owns what is told of a replay: the sums of each entrant, who lost what to which hazard, the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.loss.contest import QUIET, Found, Results
from bench.loss.facts import Fault, Tally
from bench.loss.hazards import HAZARDS, Trace
from bench.loss.history import ADDRESS, PARTY, History
from bench.loss.marea import CAPTURES
from bench.report import aligned

OURS = frozenset(f"marea-{capture}" for capture in CAPTURES)
WRONG = (Fault.LOST, Fault.STALE, Fault.NOT_DELETED)


def text(results: Results, history: History, facts: Mapping[str, str]) -> str:
    """The report for a terminal."""
    return "\n".join(
        [
            "",
            *(f"{name + ':':<17}{value}" for name, value in {**facts, **results.versions}.items()),
            "",
            *_sums(results.found),
            "",
            "by hazard: lost/stale/not deleted, +sent needlessly; a dot is none of these",
            *_by_hazard(results.found, rows(history)),
            "",
            *(f"{name} is absent: {why}" for name, why in results.absent.items()),
            *results.troubles,
            *(f"BROKEN PROMISE: {text}" for text in broken(results.found)),
        ]
    )


def rows(history: History) -> Counter[str]:
    """How many rows each hazard concerns; of one of addresses its parties are not counted."""
    counted = {hazard.name: {ADDRESS} if hazard.parents else {PARTY, ADDRESS} for hazard in HAZARDS}
    return Counter(name for (table, _), name in history.hazards.items() if table in counted[name])


def failed(results: Results) -> bool:
    """Whether Marea has not shown that it keeps what it promises."""
    return any(broken(results.found)) or any(name in OURS for name in results.absent)


def broken(found: Sequence[Found]) -> Iterator[str]:
    """What Marea promises and did not keep, one sentence each."""
    for each in found:
        for (hazard, fault), number in sorted(each.tally.counts.items(), key=str):
            if each.promised is not None and _promised(each.promised, hazard, fault):
                yield f"{each.name}: {number} {fault.value} by {hazard}"


def _promised(traces: frozenset[Trace], hazard: str, fault: Fault) -> bool:
    """Whether this may not be: what leaves a trace that is seen, rows left alone, and what is equal."""
    unseen = {each.name for each in HAZARDS if each.trace not in traces}
    return fault is Fault.NEEDLESS or hazard not in unseen


def _sums(found: Sequence[Found]) -> list[str]:
    head = ("", *(fault.value for fault in Fault))
    lines = [(each.name, *(f"{each.tally.total(fault):,}" for fault in Fault)) for each in found]
    return aligned([head, *lines])


def _by_hazard(found: Sequence[Found], counted: Mapping[str, int]) -> list[str]:
    names = [*(hazard.name for hazard in HAZARDS), QUIET]
    head = ("", "rows", *(each.name.removeprefix("marea-") for each in found))
    lines = [
        (name, str(counted.get(name, "")), *(_cell(each.tally, name) for each in found)) for name in names
    ]
    return aligned([head, *lines])


def _cell(tally: Tally, hazard: str) -> str:
    wrong = [tally.of(hazard, fault) for fault in WRONG]
    again = tally.of(hazard, Fault.NEEDLESS)
    told = "/".join(map(str, wrong)) if any(wrong) else ""
    return f"{told} +{again}".strip() if again else told or "."
