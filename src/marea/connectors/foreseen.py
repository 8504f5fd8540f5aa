"""Owns what is foreseen of a table that records are to land in: what in it may refuse them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from marea.connectors.statements import Landing, Statements
from marea.errors import Fault
from marea.ports import Column, Shape


def foreseen(shape: Shape, landing: Landing, statements: Statements) -> list[Fault]:
    """Columns that need a value and get none, or change those they take; keys that are taken for equal.

    Where types are kept (`strict`), texts that must be another.
    """
    return [
        *_unfilled(shape, landing),
        *_folding(shape, landing),
        *_yielding(shape, landing),
        *(_mistyped(shape, landing) if statements.strict else ()),
        *_altering(shape, landing, statements),
    ]


def _unfilled(shape: Shape, landing: Landing) -> Iterator[Fault]:
    for column in landing.table.columns:
        if not (column.nullable or column.given or column.name in landing.columns):
            yield Fault(
                f'column "{column.name}" of table "{landing.table.name}" takes no NULL and has no default, '
                "and no field gives it a value: unless a trigger does, every new record is refused",
                entity=shape.entity,
                field="target.object",
                hint=f"add a field {column.name}, or give the column a default",
            )


def _folding(shape: Shape, landing: Landing) -> Iterator[Fault]:
    if landing.folding:
        names = ", ".join(landing.folding)
        yield Fault(
            f'table "{landing.table.name}" takes keys for equal that differ in case, accents or blanks '
            f"at the end ({names}): of such records one is delivered, the others are refused",
            entity=shape.entity,
            field="target.key",
            hint="give the column an exact collation where the source has such keys",
        )


def _yielding(shape: Shape, landing: Landing) -> Iterator[Fault]:
    if landing.table.yielding:
        clauses = ", ".join(landing.table.yielding)
        yield Fault(
            f'table "{landing.table.name}" drops rows without an error ({clauses}): '
            "a record that meets this is refused, where other programs lose it untold",
            entity=shape.entity,
            field="target.object",
            hint="let the table raise an error instead",
        )


def _altering(shape: Shape, landing: Landing, statements: Statements) -> Iterator[Fault]:
    for field, name in zip(shape.fields, landing.columns, strict=True):
        column = landing.table.column(name)
        if column and (does := statements.alters(field.type, column)):
            yield Fault(
                f'column "{name}" of table "{landing.table.name}" is {column.native} and {does}: '
                "the table may hold other values than the field gives",
                entity=shape.entity,
                field=f"fields.{field.name}",
                hint="give the column the type of the field, or let the expression do it",
            )


def _mistyped(shape: Shape, landing: Landing) -> Iterator[Fault]:
    for field, name in zip(shape.fields, landing.columns, strict=True):
        column = landing.table.column(name)
        if column and pa.types.is_string(field.type) and (cast := _cast(column)):
            yield Fault(
                f'the field is text and column "{name}" is {column.native}: '
                "a record whose text does not read as that is refused",
                entity=shape.entity,
                field=f"fields.{field.name}",
                hint=f"CAST(… AS {cast}) says so at once",
            )


def _cast(column: Column) -> str:
    """What to cast a text to for a column of numbers or dates, in an expression's words; else empty."""
    names = {
        "BIGINT": pa.types.is_integer,
        "DOUBLE": pa.types.is_floating,
        "DATE": pa.types.is_date,
        "TIMESTAMP": pa.types.is_timestamp,
    }
    if pa.types.is_decimal(column.type):
        return f"DECIMAL({column.type.precision},{column.type.scale})"
    return next((name for name, fits in names.items() if fits(column.type)), "")
