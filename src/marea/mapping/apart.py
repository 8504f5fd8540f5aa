"""Owns telling, from the configuration alone, that no two records can have the same key at the target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from marea.config.settings import EntitySettings, ScalarField
from marea.mapping.expression import ExpressionError, Parser
from marea.sql.aggregate import Aggregate

# What every database reads as the embedded engine does: no comment, no quoted name, no operator of its own.
_COMMON = re.compile(r"[\w\s.=<>'(),+-]*")


def keys_apart(entity: EntitySettings, aggregate: Aggregate, parser: Parser) -> bool:
    """Whether every column of the source key is a field of the target's key, or the same in all records.

    True is certain; what cannot be shown is False.
    """
    carried = {column for name in entity.target.key for column in _carried(entity, name, parser)}
    own = {column.name.casefold() for column in aggregate.key}
    return own <= carried or own <= carried | _constant(aggregate, parser)


def keys_stay(entity: EntitySettings, aggregate: Aggregate, parser: Parser) -> bool:
    """Whether the target's key is of columns of the source key alone: a record's never changes there.

    True is certain, as long as the mapping stays; what cannot be shown is False.
    """
    own = {column.name.casefold() for column in aggregate.key}
    return all(own.intersection(_carried(entity, name, parser)) for name in entity.target.key)


def _carried(entity: EntitySettings, name: str, parser: Parser) -> Iterator[str]:
    """The root column that a field is nothing but."""
    for field in entity.fields:
        if field.name == name and isinstance(field, ScalarField):
            expression = parser.parse(field.expression)
            if expression.bare and len(expression.names[0]) == 1:
                yield expression.names[0][0].casefold()


def _constant(aggregate: Aggregate, parser: Parser) -> set[str]:
    """Columns of whole numbers that the filter compares with one, so that a row that passes has just that."""
    text = aggregate.where or ""
    if "--" in text or not _COMMON.fullmatch(text):
        return set()
    try:
        condition = parser.tree(text)
    except ExpressionError:
        return set()
    whole = {column.name.casefold() for column in aggregate.key if pa.types.is_integer(column.type)}
    return whole & {name for part in _conjuncts(condition) for name in _equalled(part)}


def _conjuncts(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if node["type"] == "CONJUNCTION_AND":
        for child in node["children"]:
            yield from _conjuncts(child)
    else:
        yield node


def _equalled(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] != "COMPARE_EQUAL":
        return
    for one, other in ((node["left"], node["right"]), (node["right"], node["left"])):
        literal = other.get("literal") or {}
        if one["class"] == "COLUMN_REF" and literal.get("kind") == "INTEGER":
            *table, name = one["column_names"]
            yield from [name.casefold()] if table in ([], ["r"]) else []
