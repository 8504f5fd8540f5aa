"""The canonical bytes are persisted through fingerprints: a change here needs a new FORM."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marea.mapping.canonical import fingerprint, form_of, json_object, json_scalar
from marea.sql import duck

pytestmark = pytest.mark.unit

PINNED = 54805652581566135

GOLDEN = [
    ("VARCHAR", "'a\"\u00e8'", '"a\\"\u00e8"'),
    ("VARCHAR", "''", '""'),
    ("VARCHAR", "NULL", "null"),
    ("BOOLEAN", "true", "true"),
    ("BIGINT", "9007199254740993", "9007199254740993"),
    ("DECIMAL(10,2)", "1.10", "1.1"),
    ("DECIMAL(10,2)", "100", "100"),
    ("DECIMAL(38,18)", "12345678901234567890.123456789", "12345678901234567890.123456789"),
    ("DECIMAL(38,0)", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("DECIMAL(15,12)", "0.0000000001", "0.0000000001"),
    ("DECIMAL(15,6)", "0.000001", "0.000001"),
    ("DECIMAL(15,6)", "-999999999.999999", "-999999999.999999"),
    ("DECIMAL(15,0)", "999999999999999", "999999999999999"),
    ("DECIMAL(16,7)", "0.0000001", "0.0000001"),
    ("DECIMAL(9,2)", "NULL", "null"),
    ("DOUBLE", "0.1", "0.1"),
    ("DOUBLE", "'nan'", '"nan"'),
    ("DOUBLE", "NULL", "null"),
    ("FLOAT", "0.1", "0.1"),
    ("DATE", "'1799-12-31'", '"1799-12-31"'),
    ("TIME", "'10:00:00.5'", '"10:00:00.5"'),
    ("TIMESTAMP", "'2026-01-02 03:04:05.678'", '"2026-01-02T03:04:05.678"'),
    ("TIMESTAMP WITH TIME ZONE", "'2026-06-01 10:00:00+02'", '"2026-06-01T08:00:00Z"'),
    ("UUID", "'cffb6420-4589-4678-96bc-5e32db776377'", '"cffb6420-4589-4678-96bc-5e32db776377"'),
    ("BLOB", "'\\x00ab'", '"AGFi"'),
    ("JSON", "'[{\"a\":1.50}]'", '[{"a":1.50}]'),
]


def written(type_: str, value: str) -> str:
    sql = f"SELECT {json_object([('v', 'x', type_)])} FROM (SELECT CAST({value} AS {type_}) AS x)"
    return str(duck.connect().sql(sql).fetchall()[0][0])


@pytest.mark.parametrize(("type_", "value", "expected"), GOLDEN)
def test_golden_bytes(type_: str, value: str, expected: str) -> None:
    assert written(type_, value) == f'{{"v":{expected}}}'


@pytest.mark.property
@settings(deadline=None, max_examples=80)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20))
def test_a_decimal_keeps_every_digit(value: Decimal) -> None:
    text = written("DECIMAL(38,9)", str(value))
    assert json.loads(text, parse_float=Decimal)["v"] == value
    assert not text.endswith("0}") or "." not in text


@pytest.mark.property
@settings(deadline=None, max_examples=80)
@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 6))
def test_a_short_decimal_is_written_as_a_long_one(digits: int, scale: int) -> None:
    value = str(Decimal(digits).scaleb(-scale))
    assert written(f"DECIMAL(15,{scale})", f"'{value}'") == written(f"DECIMAL(38,{scale})", f"'{value}'")


def test_fields_keep_their_order_and_names() -> None:
    fields = [("b", "1", "INTEGER"), ('a"', "1.50::DECIMAL(4,2)", "DECIMAL(4,2)"), ("c", "'x'", "VARCHAR")]
    assert duck.connect().sql(f"SELECT {json_object(fields)}").fetchall() == [('{"b":1,"a\\"":1.5,"c":"x"}',)]


def test_types_without_a_json_form_are_told() -> None:
    assert json_scalar("x", "INTEGER[]") is None
    assert json_scalar("x", "INTERVAL") is None


def test_the_form_is_pinned_and_changes_with_names_types_and_the_engine_s_hash() -> None:
    assert form_of([("code", "VARCHAR")], 5) == PINNED
    others = [("code", "INTEGER", 5), ("c", "VARCHAR", 5), ("code", "VARCHAR", 6)]
    assert len({PINNED, *(form_of([(name, type_)], proof) for name, type_, proof in others)}) == 4


@pytest.mark.property
@settings(deadline=None, max_examples=80)
@given(st.lists(st.text(max_size=60), unique=True, max_size=30))
def test_texts_that_differ_have_fingerprints_that_differ(texts: list[str]) -> None:
    sql = f"SELECT {fingerprint('x')} FROM (SELECT unnest($1) AS x)"
    found = [row[0] for row in duck.connect().execute(sql, [texts]).fetchall()] if texts else []
    assert len(set(found)) == len(texts)
    assert all(0 <= value < 2**63 for value in found)
