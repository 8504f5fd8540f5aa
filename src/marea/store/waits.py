"""Owns what waits for what: records that wait for records that wait, and the words of their troubles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from marea.model import Problem
from marea.store.database import Database

Node = tuple[int, str]
"""A record: the id of its entity, its key."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One record that waits for another."""

    record: Node
    parent: Node
    code: str


class Waits:
    """The waiting records of all entities."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def chained(self, most: int) -> list[Wait]:
        """Records that wait for one that waits itself, `most` at the most; no circle has others."""
        return self._found("chained_waits", most)

    def circling(self, most: int) -> list[Wait]:
        """Records said to wait in a circle, `most` at the most."""
        return self._found("circling_waits", most)

    def say(self, words: Iterable[tuple[Wait, Problem]]) -> None:
        """Puts other words to waits, each unless its record waits for another by now."""
        with self._database.transaction():
            for wait, problem in words:
                names = ("entity", "key", "blocked_entity", "blocked_key")
                place = dict(zip(names, (*wait.record, *wait.parent), strict=True))
                hint = problem.hint or None
                self._database.run("say_wait", **place, code=problem.code, error=problem.text, hint=hint)

    def circling_of(self, entity: int) -> tuple[int, str | None]:
        """How many records of an entity wait in a circle, or for one, and the key of one of them."""
        number, key = self._database.rows("circling", entity=entity)[0]
        return number, key

    def _found(self, statement: str, most: int) -> list[Wait]:
        rows = self._database.rows(statement, most=most)
        return [Wait((row[0], row[1]), (row[2], row[3]), row[4]) for row in rows]
