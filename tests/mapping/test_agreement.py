from __future__ import annotations

import pyarrow as pa
import pytest

from marea.config.settings import ReferenceField
from marea.mapping.agreement import disagreements
from marea.ports import Column
from marea.sql import duck

pytestmark = pytest.mark.unit

DECIMAL = pa.decimal128(10, 2)


def found(value: str, key: pa.DataType) -> list[tuple[str, str]]:
    engine = duck.connect()
    columns = {"text": pa.string(), "whole": pa.int64(), "amount": DECIMAL, "day": pa.date32()}
    columns |= {"moment": pa.timestamp("us"), "small": pa.uint8(), "large": pa.decimal128(38, 0)}
    engine.register("rows", pa.schema(list(columns.items())).empty_table())
    item = ReferenceField("tax", "tax_codes", (value,))
    return list(disagreements(engine, "SELECT * FROM rows", item, [Column("TaxCode", key, "?")]))


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("text", pa.string()),
        ("upper(text) -- as there", pa.string()),
        ("whole", pa.int16()),
        ("small", pa.int64()),
        ("large", pa.int64()),
        ("3211264", pa.uint32()),
        ("NULL", pa.int64()),
        ("amount", DECIMAL),
        ("day", pa.date32()),
        ("moment", pa.timestamp("s")),
        ("CAST(text AS INTEGER)", pa.int64()),
    ],
)
def test_values_that_can_be_keys(value: str, key: pa.DataType) -> None:
    assert found(value, key) == []


@pytest.mark.parametrize(
    ("value", "key", "types"),
    [
        ("text", pa.int64(), ("VARCHAR", "BIGINT")),
        ("whole", pa.string(), ("BIGINT", "VARCHAR")),
        ("amount", pa.int64(), ("DECIMAL(10,2)", "BIGINT")),
        ("amount", pa.decimal128(38, 18), ("DECIMAL(10,2)", "DECIMAL(38,18)")),
        ("day", pa.timestamp("us"), ("DATE", "TIMESTAMP")),
        ("day", pa.string(), ("DATE", "VARCHAR")),
    ],
)
def test_values_that_never_equal_a_key(value: str, key: pa.DataType, types: tuple[str, str]) -> None:
    ((message, hint),) = found(value, key)
    assert message == (
        f"a value of type {types[0]} never equals the key column TaxCode of tax_codes, "
        f"which is of type {types[1]}"
    )
    assert hint == f"write CAST({value} AS {types[1]})"
