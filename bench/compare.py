"""Owns the comparison of a target with the source: every row, every column, hashed by the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class Pair:
    """One column: SQL over the source and over the target whose texts are equal when the values are."""

    source: str
    target: str


def differences(source_url: str, source: str, target_url: str, target: str, pairs: Sequence[Pair]) -> str:
    """What differs, in words; empty when every row of the one is in the other, with equal values."""
    ours = [pair.source for pair in pairs]
    theirs = [pair.target for pair in pairs]
    if _digest(source_url, source, ours) == _digest(target_url, target, theirs):
        return ""
    expected, found = _columns(source_url, source, ours), _columns(target_url, target, theirs)
    if expected[0] != found[0]:
        return f"{found[0]} rows instead of {expected[0]}"
    wrong = [
        pair.target for pair, mine, other in zip(pairs, expected[1:], found[1:], strict=True) if mine != other
    ]
    return "different values in " + (", ".join(wrong) or "the combination of columns")


def _digest(url: str, table: str, expressions: Sequence[str]) -> tuple[object, ...]:
    """The number of rows and 128 bits over all of them, in no order."""
    record = f"ROW({', '.join(expressions)})"
    sums = ", ".join(f"sum(hash_record_extended({record}, {seed})::numeric)" for seed in SEEDS)
    return _one(url, f"SELECT count(*), {sums} FROM {table}")


def _columns(url: str, table: str, expressions: Sequence[str]) -> tuple[object, ...]:
    """The number of rows and a digest of each column, to name the columns that differ."""
    sums = ", ".join(
        f"sum(hashtextextended(coalesce('=' || ({text}), ''), 1)::numeric)" for text in expressions
    )
    return _one(url, f"SELECT count(*), {sums} FROM {table}")


def _one(url: str, query: str) -> tuple[object, ...]:
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row
