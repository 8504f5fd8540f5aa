from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marea.engine.entity.keys import key_text, likely_texts, shown
from marea.errors import ConfigurationError
from marea.ports import Column

pytestmark = pytest.mark.unit

CODE = Column("code", pa.string(), "varchar(12)")
KIND = Column("kind", pa.int32(), "integer")
PRICE = Column("price", pa.decimal128(10, 2), "decimal(10,2)")
DAY = Column("day", pa.date32(), "date")


@pytest.mark.parametrize(
    ("given_", "columns", "text"),
    [
        ("0815", [CODE], '"0815"'),
        ("a,b", [CODE], '"a,b"'),
        ('"0815"', [CODE], '"0815"'),
        ("[a]", [CODE], '"[a]"'),
        ("42", [KIND], "42"),
        (42, [KIND], "42"),
        (815, [CODE], '"815"'),
        ("3211264,0815", [KIND, CODE], '[3211264,"0815"]'),
        ("3211264, 0815", [KIND, CODE], '[3211264,"0815"]'),
        ('[3211264,"08,15"]', [KIND, CODE], '[3211264,"08,15"]'),
        ((3211264, "0815"), [KIND, CODE], '[3211264,"0815"]'),
        ("2026-11-05,è\"'", [DAY, CODE], '["2026-11-05","è\\"\'"]'),
    ],
)
def test_a_key_takes_the_types_of_its_columns(given_: object, columns: list[Column], text: str) -> None:
    assert key_text(given_, "customers", columns) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_", "columns", "said"),
    [
        ("0815", [KIND, CODE], "identified by kind, code"),
        ("1,2,3", [KIND, CODE], "3 parts"),
        ("one", [KIND], "'one' is no value of key column kind"),
        ("1.5", [KIND], "'1.5' is no value"),
        ("noon", [DAY], "'noon' is no value"),
    ],
)
def test_what_does_not_match_is_told(given_: str, columns: list[Column], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        key_text(given_, "customers", columns)


@settings(deadline=None, max_examples=20)
@given(st.text(min_size=1), st.integers(-(2**31), 2**31 - 1))
def test_any_key_given_as_values_is_among_the_likely_ones(code: str, kind: int) -> None:
    exact = key_text((kind, code), "customers", [KIND, CODE])
    if "\\u" not in exact and exact.isprintable():
        assert exact in likely_texts((kind, code), 2)


def test_likely_forms_when_the_types_are_not_known() -> None:
    assert likely_texts("0815", 1) == ['"0815"']
    assert likely_texts("815", 1) == ['"815"', "815"]
    assert likely_texts("1,a", 2) == ['["1","a"]', '[1,"a"]']


def test_a_key_as_people_write_it() -> None:
    assert shown('"0815"') == "0815"
    assert shown('[3211264,"0815"]') == "3211264,0815"
    assert shown('[1,"a,b"]') == '[1,"a,b"]'
