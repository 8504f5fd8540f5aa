from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.mapping.canonical import json_object
from marea.planning.agreed import keys_in, latest
from marea.sql import duck
from marea.sql.keys import key_texts

pytestmark = pytest.mark.unit

VALUES = {
    "VARCHAR": ["0815", 'à"\\\n', "", "2024-01-01"],
    "INTEGER": [0, -7, 2**31 - 1],
    "BIGINT": [2**63 - 1, -(2**63)],
    "UBIGINT": [2**64 - 1],
    "DECIMAL(12,2)": ["1.10", "-0.05", "12345678.90"],
    "DECIMAL(38,0)": ["12345678901234567890123"],
    "DOUBLE": ["0.1", "1e300", "'inf'"],
    "FLOAT": ["0.1"],
    "BOOLEAN": [True, False],
    "DATE": ["DATE '2024-02-29'"],
    "TIME": ["TIME '23:59:59.5'"],
    "TIMESTAMP": ["TIMESTAMP '2024-02-29 12:00:00.123456'"],
    "TIMESTAMP WITH TIME ZONE": ["TIMESTAMPTZ '2024-02-29 12:00:00+00'"],
    "BLOB": ["'\\xAA\\x00'::BLOB"],
}
CASES = [(type_, value) for type_, values in VALUES.items() for value in values]


@pytest.mark.parametrize(("type_", "value"), CASES)
def test_a_payload_gives_the_key_that_its_record_was_planned_with(type_: str, value: object) -> None:
    engine = duck.connect()
    text = value if "'" in str(value) else duck.literal(str(value))
    rows = f"(SELECT 1 AS n, CAST({text} AS {type_}) AS k)"
    body = json_object([("n", "n", "INTEGER"), ("the key", "k", type_)])
    found = engine.sql(f"SELECT n, k, {body} AS body FROM {rows}").to_arrow_table()
    payloads = found.column("body").combine_chunks()
    single = keys_in(engine, [("the key", type_)], payloads)
    assert single.to_pylist() == key_texts([found.column("k")]).to_pylist()
    assert single.null_count == 0
    both = keys_in(engine, [("the key", type_), ("n", "INTEGER")], payloads)
    assert both.to_pylist() == key_texts([found.column("k"), found.column("n")]).to_pylist()


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)).filter(lambda c: c != "\0"))))
def test_every_text_is_itself(texts: list[str]) -> None:
    engine = duck.connect()
    engine.register("texts", pa.table({"k": pa.array(texts, pa.string())}))
    body = json_object([("k", "k", "VARCHAR")])
    found = engine.sql(f"SELECT k, {body} AS body FROM texts").to_arrow_table().combine_chunks()
    payloads = pa.concat_arrays(found.column("body").chunks) if texts else pa.array([], pa.string())
    expected = key_texts([found.column("k")]).to_pylist()
    assert keys_in(engine, [("k", "VARCHAR")], payloads).to_pylist() == expected


def test_what_has_no_such_key_any_more_has_none() -> None:
    bodies = pa.array(['{"n":1}', '{"k":null,"n":1}', '{"k":"x","n":1}', '{"k":"5","n":1}'])
    engine = duck.connect()
    assert keys_in(engine, [("k", "INTEGER")], bodies).to_pylist() == [None, None, None, "5"]
    both = keys_in(engine, [("k", "VARCHAR"), ("n", "INTEGER")], bodies)
    assert both.to_pylist() == [None, None, '["x",1]', '["5",1]']


def test_a_key_of_another_type_than_it_was_delivered_with_is_written_as_of_now() -> None:
    bodies = pa.array(['{"k":7}'])
    assert keys_in(duck.connect(), [("k", "VARCHAR")], bodies).to_pylist() == ['"7"']


def test_of_two_with_one_key_the_one_given_it_last_has_it() -> None:
    claims = pa.table(
        {"key": ["1", "2", "3", "4"], "target_key": ["a", "a", None, "b"], "payload": [8, 9, 10, 1]}
    )
    assert sorted(latest(claims).to_pylist(), key=str) == [
        {"target_key": "a", "key": "2"},
        {"target_key": "b", "key": "4"},
    ]
