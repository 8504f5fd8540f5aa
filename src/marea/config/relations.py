"""Owns the checks of related tables and of the lists that are made from them."""

from __future__ import annotations

from typing import Any, Protocol

from marea.config.loose import mapping
from marea.config.names import suggest
from marea.config.tree import Path


class Report(Protocol):
    """Notes one fault at a place of the file."""

    def __call__(self, path: Path, message: str, hint: str = "") -> None:
        """Take the fault."""


def check(report: Report, path: Path, source: dict[str, Any], fields: dict[str, Any]) -> None:
    """Report what is wrong with an entity's `related:` and with the lists among its `fields:`."""
    related = mapping(source.get("related"))
    _named(report, (*path, "source", "related"), related)
    _listed(report, (*path, "fields"), fields, related)


def _named(report: Report, path: Path, related: dict[str, Any]) -> None:
    """Relation names stand in expressions as `name.column`: usable there, and one of each."""
    seen: dict[str, str] = {}
    for name, relation in related.items():
        if not name.isidentifier():
            report((*path, name), "is no usable name", "use letters, digits and `_`, and begin with a letter")
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            report((*path, name), f'differs from the relation "{first}" in letter case only', "rename one")
        _named(report, (*path, name, "related"), mapping(mapping(relation).get("related")))


def _listed(report: Report, path: Path, fields: dict[str, Any], related: dict[str, Any]) -> None:
    """A list takes its rows from a `many` relation of the table that its own fields belong to."""
    for name, field in fields.items():
        listed = mapping(field).get("list")
        if not isinstance(listed, str) or not listed.strip():
            continue
        place = (*path, name, "list")
        relation = mapping(related.get(listed))
        if listed not in related:
            lists = [each for each, found in related.items() if mapping(found).get("many") is True]
            report(place, f'there is no relation "{listed}" here', suggest(listed, lists))
        elif relation.get("many", False) is False:
            report(
                place,
                f"{listed} gives one row, not a list",
                f"write `many: true` in {listed}, or use {listed}.column",
            )
        _listed(
            report,
            (*path, name, "fields"),
            mapping(mapping(field).get("fields")),
            mapping(relation.get("related")),
        )
