"""Owns the SQL that joins a table's rows with what is related to them, and what travels up with them.

Beside the fields four columns travel from the rows of a list to their record: STAMP, the dates
of all tables as one text; ROWS, the most rows found where one is meant; MISSING, the first
reference that is not delivered yet; FAILED, the first field that could not be computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from marea.config.settings import Field, ListField
from marea.flow import MISSING
from marea.mapping.guard import FAILED
from marea.ports import STAMP
from marea.sql.aggregate import Relation, link
from marea.sql.duck import literal, quote
from marea.sql.pages import PARENT

ROWS = "$rows"  # rows found where a relation is meant to have one


def rows_name(path: str) -> str:
    """The name a relation's rows are registered under; the root's path is empty."""
    return f"rows:{path}"


def lists(fields: Sequence[Field]) -> list[ListField]:
    """The fields that are lists of related rows."""
    return [item for item in fields if isinstance(item, ListField)]


def joined(path: str, relations: Sequence[Relation], items: Mapping[str, str]) -> str:
    """A table's rows; one-relations as structs, lists as structs of their items and what travels.

    `items` are the subqueries of the lists by the name of their relation.
    """
    selects, joins = ["t.*"], [f"FROM {quote(rows_name(path))} t"]
    for relation in relations:
        if relation.many and relation.name not in items:
            continue
        name = quote(relation.name)
        inner = items[relation.name] if relation.many else joined(relation.path, relation.children, {})
        selects.append(name)
        joins.append(f"LEFT JOIN ({inner}) {name} ON {name}.{quote(PARENT)} = t.{quote(link(relation.path))}")
    return f"SELECT {', '.join(selects)} {' '.join(joins)}"


def travelling(relations: Sequence[Relation], fields: Sequence[Field], *, stamped: bool) -> list[str]:
    """What a row sends up, as columns of a SELECT from `joined`; `stamped`: its own table has dates."""
    listed = {item.relation for item in lists(fields)}
    stamps = [quote(STAMP)] * stamped + list(_inside(relations, listed, STAMP))
    rows = list(_inside(relations, listed, ROWS)) or ["1"]
    missing = [f"{quote(name)}.{quote(MISSING)}" for name in listed] or ["NULL"]
    # A list's own name stands for the fields inside it.
    failed = [
        f"CASE WHEN {quote(item.relation)}.{quote(FAILED)} IS NOT NULL THEN {literal(item.name)} END"
        for item in lists(fields)
    ] or ["CAST(NULL AS VARCHAR)"]
    return [
        f"{_joined_stamps(stamps)} AS {quote(STAMP)}",
        f"greatest({', '.join(rows)}) AS {quote(ROWS)}",
        f"coalesce({', '.join(missing)}) AS {quote(MISSING)}",
        f"coalesce({', '.join(failed)}) AS {quote(FAILED)}",
    ]


def _inside(relations: Sequence[Relation], listed: set[str], column: str) -> Iterator[str]:
    """Where a column of the joined relations is found, those inside one-relations included."""
    for relation in relations:
        name = quote(relation.name)
        if relation.many and relation.name not in listed:
            continue
        if relation.many or column == ROWS or relation.stamp:
            yield f"{name}.{quote(column)}"
        if not relation.many:
            children = [child for child in relation.children if not child.many]
            yield from (f"{name}.{inner}" for inner in _inside(children, set(), column))


def _joined_stamps(stamps: Sequence[str]) -> str:
    """The stamps of a whole aggregate as one text that differs when any of them does."""
    if len(stamps) == 1:
        return f"coalesce({stamps[0]}, '')"
    return f"concat_ws('|', {', '.join(stamps)})" if stamps else "''"
