from __future__ import annotations

import datetime
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marea.sql import duck
from marea.sql.keys import key_texts

pytestmark = pytest.mark.unit

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


def by_engine(columns: list[pa.ChunkedArray]) -> list[str | None]:
    engine = duck.connect()
    names = [f"c{index}" for index in range(len(columns))]
    engine.register("keys", pa.table(dict(zip(names, columns, strict=True))))
    return [row[0] for row in engine.sql(f"SELECT {duck.key_json(names)} FROM keys").fetchall()]


@pytest.mark.property
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.none() | st.integers(-(2**31), 2**31 - 1), st.none() | TEXTS), max_size=4))
def test_texts_are_those_of_the_engine(rows: list[tuple[int | None, str | None]]) -> None:
    numbers = pa.chunked_array([pa.array([row[0] for row in rows], pa.int32())])
    texts = pa.chunked_array([pa.array([row[1] for row in rows], pa.string())])
    for columns in ([numbers], [texts], [numbers, texts], [texts, numbers]):
        assert key_texts(columns).to_pylist() == by_engine(columns)
    for row, text in zip(rows, key_texts([numbers, texts]).to_pylist(), strict=True):
        assert text is None if None in row else json.loads(text) == list(row)


def test_other_types_go_through_the_engine() -> None:
    days = pa.chunked_array([pa.array([datetime.date(2026, 1, 2), None])])
    assert key_texts([days]).to_pylist() == ['"2026-01-02"', None]


def test_no_rows_give_no_texts() -> None:
    assert key_texts([pa.chunked_array([], pa.string())]).to_pylist() == []
