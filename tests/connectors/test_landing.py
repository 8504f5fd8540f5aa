"""A delivered batch is sorted into what a table is asked for, its keys written and read back exactly."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.connectors.landing import sort_out
from marea.model import Operation
from marea.ports import OPERATION
from marea.sql.keys import identities
from marea.testing import batch, shape
from marea.testing.values import KINDS, TEXTS, searching

PAIR = shape({"code": pa.string(), "line": pa.int64(), "name": pa.string()}, ("code", "line"))


def row(code: str | None, line: int | None, **more: Any) -> dict[str, Any]:
    return {"code": code, "line": line, **more}


@pytest.mark.property
@given(
    st.lists(st.tuples(st.none() | st.text() | st.sampled_from(TEXTS[:-1]), st.none() | st.integers(-9, 9)))
)
def test_a_composite_key_is_a_json_array(keys: list[tuple[str | None, int | None]]) -> None:
    rows = [row(*key) for key in keys]
    sent = batch(PAIR, rows, Operation.CREATE)
    ids = identities([sent[name] for name in PAIR.key]).to_pylist()
    for (code, line), text in zip(keys, ids, strict=True):
        if code is None or line is None:
            assert text is None
        else:
            assert json.loads(text) == [code, str(line)]


@pytest.mark.property
@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_key_comes_back_from_its_text(name: str) -> None:
    keyed = shape({"id": KINDS[name].type, "name": pa.string()}, ("id",))

    @searching(30)
    @given(KINDS[name].values)
    def check(value: Any) -> None:
        ids = identities([batch(keyed, [{"id": value}], Operation.CREATE)["id"]]).to_pylist()
        work = sort_out(keyed, batch(keyed, [{}], Operation.DELETE, ids))
        assert work.deletes.to_pylist() == [{"o0": value}]
        assert work.deletes.schema.types == [KINDS[name].type]

    check()


@pytest.mark.unit
def test_a_batch_of_everything() -> None:
    rows = [
        {OPERATION: "delete", **row("a", 1)},
        {OPERATION: "create", **row("b", 2, name="new")},
        {OPERATION: "update", **row("c", 3, name="moved")},
        {OPERATION: "delete"},
        {OPERATION: "update", **row("d", 5, name="same")},
    ]
    ids = [None, None, '["c","30"]', '["e","6"]', '["d","5"]']
    work = sort_out(PAIR, batch(PAIR, rows, Operation.UPDATE, ids))
    assert work.upserts.to_pylist() == [
        row("b", 2, name="new"),
        row("c", 3, name="moved"),
        row("d", 5, name="same"),
    ]
    assert work.deletes.to_pylist() == [{"o0": "a", "o1": 1}, {"o0": "e", "o1": 6}]
    assert work.renames.to_pylist() == [{"o0": "c", "o1": 30, "n0": "c", "n1": 3}]
    assert work.ids.to_pylist() == ['["a","1"]', '["b","2"]', '["c","3"]', None, '["d","5"]']
    assert not work.creates_only
    assert not work.twice


@pytest.mark.unit
def test_creates_alone_and_a_repeated_key() -> None:
    work = sort_out(PAIR, batch(PAIR, [row("a", 1), row("a", 1)], Operation.CREATE))
    assert work.creates_only
    assert work.twice
