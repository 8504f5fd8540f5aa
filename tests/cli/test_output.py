from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.cli.export import neutral
from marea.cli.output import cell, clean, encode, show_json_list, table

pytestmark = pytest.mark.unit

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(VALUES)
def test_documents_are_json_and_keep_every_digit(value: Any) -> None:
    assert json.loads(encode(value), parse_float=Decimal, parse_int=Decimal) == value


def test_what_json_has_no_word_for_is_text() -> None:
    value = {
        "at": datetime(2026, 11, 5, 12, 0, 0, 5, tzinfo=UTC),
        "day": date(2026, 11, 5),
        "bytes": b"\x00\xff",
        "nan": float("nan"),
        "tuple": (1, Decimal("1.10")),
    }
    assert encode(value) == (
        '{"at": "2026-11-05T12:00:00.000005Z", "day": "2026-11-05", "bytes": "00ff", "nan": "nan", '
        '"tuple": [1, 1.10]}'
    )


def test_lists_of_any_length_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    show_json_list(iter([]))
    assert json.loads(capsys.readouterr().out) == []
    show_json_list(iter([{"a": 1}, 2]))
    assert json.loads(capsys.readouterr().out) == [{"a": 1}, 2]


def test_tables_align_texts_and_numbers() -> None:
    assert table(("name", "records"), [("a", 5), ("long", 12345)]) == [
        "name  records",
        "a           5",
        "long   12,345",
    ]
    assert table(("", ""), []) == []


def test_a_value_cannot_steer_the_terminal() -> None:
    assert clean("a\x1b[2Jb\r\nc\u202e") == "a [2Jb  c "
    assert "\x1b" not in cell("\x1b]0;title\x07")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert neutral("plain = text") == "plain = text"
    assert neutral(-1) == -1
