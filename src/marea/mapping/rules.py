"""Owns the finished record: the rules it may break, its payload and its fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from marea.config.settings import EntitySettings
from marea.flow import FINGERPRINT, PROBLEMS
from marea.mapping.canonical import fingerprint, json_object
from marea.mapping.guard import FAILED, Guard
from marea.mapping.joins import ROWS
from marea.mapping.trial import Trial
from marea.ports import PAYLOAD
from marea.sql.aggregate import Aggregate
from marea.sql.duck import literal, quote

EXPRESSION = "expression"  # code of a record that cannot be computed

_CHECK = "$check:"  # whether a record breaks the check of that number
_PROBLEM = "STRUCT(code VARCHAR, text VARCHAR, field VARCHAR)"


@dataclass(frozen=True, slots=True)
class Rows:
    """A SELECT that gives a table's rows with their fields, and what travels up beside them."""

    sql: str
    fields: tuple[tuple[str, str], ...]
    """(field, DuckDB type) in order."""

    def json(self) -> str:
        """The expression of the fields as one JSON object."""
        return json_object([(name, quote(name), type_) for name, type_ in self.fields])


class Rules:
    """The rules of one entity."""

    def __init__(self, entity: EntitySettings, aggregate: Aggregate, guard: Guard, trial: Trial) -> None:
        self._entity = entity
        self._aggregate = aggregate
        self._guard = guard
        self._trial = trial
        self._checks = [f"{_CHECK}{number}" for number in range(len(entity.checks))]

    def finished(self, rows: Rows) -> str:
        """The rows with PAYLOAD, PROBLEMS and FINGERPRINT instead of what travelled up beside them."""
        selects = [
            f"* EXCLUDE ({', '.join(map(quote, (ROWS, FAILED, *self._checks)))})",
            f"{rows.json()} AS {quote(PAYLOAD)}",
            f"{self._problems(rows)} AS {quote(PROBLEMS)}",
        ]
        inner = f"SELECT {', '.join(selects)} FROM ({self._checked(rows)})"
        return f"SELECT *, {fingerprint(quote(PAYLOAD))} AS {quote(FINGERPRINT)} FROM ({inner})"

    def _checked(self, rows: Rows) -> str:
        """The rows, with a column a check that says whether the row breaks it."""
        selects = ["*"]
        for name, rule in zip(self._checks, self._entity.checks, strict=True):
            self._trial.truth(f"SELECT ({rule.that}\n) AS that FROM ({rows.sql})", rule.line, "checks")
            broken = f"({rule.that}\n) IS FALSE"
            selects.append(f"{self._guard.tried(broken)} AS {quote(name)}")
        return f"SELECT {', '.join(selects)} FROM ({rows.sql})"

    def _problems(self, rows: Rows) -> str:
        """The rules as a list of what each broken one says; NULL where none is broken."""
        found = [*self._several(), *self._required(dict(rows.fields)), *self._broken()]
        listed = f"list_filter([{', '.join(found)}], lambda p: p IS NOT NULL)"
        broken = f"nullif({_list(listed)}, {_list('[]')})" if found else _list("NULL")
        if not self._guard.on:
            return broken
        # A check that cannot be computed names no field.
        failed = self._guard.failures(self._checks, [""] * len(self._checks))
        struct = f"{{'code': {literal(EXPRESSION)}, 'text': '', 'field': {failed}}}"
        return f"CASE WHEN {failed} IS NOT NULL THEN {_list(f'[{struct}]')} ELSE {broken} END"

    def _several(self) -> Iterator[str]:
        if any(not line[-1].many for line in self._aggregate.lineages()):
            several = "a related table meant to have one row has several"
            yield _problem(f"{quote(ROWS)} > 1", "not-one", several)

    def _required(self, types: dict[str, str]) -> Iterator[str]:
        for name in self._entity.require:
            blank = f" OR trim({quote(name)}) = ''" if types[name] == "VARCHAR" else ""
            yield _problem(f"{quote(name)} IS NULL{blank}", "required", f"{name} is required and empty", name)

    def _broken(self) -> Iterator[str]:
        for name, rule in zip(self._checks, self._entity.checks, strict=True):
            yield _problem(self._guard.value(name), "check", rule.say)


def _problem(condition: str, code: str, text: str, name: str = "") -> str:
    struct = f"{{'code': {literal(code)}, 'text': {literal(text)}, 'field': {literal(name)}}}"
    return f"CASE WHEN {condition} THEN {struct} END"


def _list(problems: str) -> str:
    return f"CAST({problems} AS {_PROBLEM}[])"
