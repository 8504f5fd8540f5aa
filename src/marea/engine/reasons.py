"""Owns why records that a run met are not in order: words that differ in values alone are one reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 2000
"""Different words looked at of one entity."""

_VALUE = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|\d[\d.,:-]*")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with the words of its most frequent case."""

    entity: str
    text: str
    records: int
    key: str
    """One of them, as JSON text."""
    alike: bool
    """Whether words of other values are counted with it."""


def grouped(entity: str, found: Iterable[tuple[str, int, str]]) -> list[Reason]:
    """The reasons of one entity, of words, how many records and a key each, the most frequent first."""
    groups: dict[str, Reason] = {}
    for text, number, key in found:
        pattern = _VALUE.sub("…", text)
        one = groups.get(pattern)
        groups[pattern] = (
            Reason(entity, one.text, one.records + number, one.key, True)
            if one
            else Reason(entity, text, number, key, False)
        )
    return sorted(groups.values(), key=lambda reason: -reason.records)
