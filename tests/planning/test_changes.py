from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marea.planning.changes import changes, split
from marea.sql import duck

pytestmark = pytest.mark.unit

NAMES = ["name", "no te", 'qu"ote', "città"]
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=8)
VALUES = SCALARS | st.lists(st.fixed_dictionaries({"name": SCALARS}), max_size=2)
WHOLE = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))
PAYLOADS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES))


def canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def compared(before: str, after: str, fields: list[str] = NAMES) -> dict[str, list[object]]:
    alike = pa.array([False])
    text = changes(duck.connect(), fields, pa.array([before]), pa.array([after]), alike)[0].as_py()
    return json.loads(text, parse_float=Decimal)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PAYLOADS, WHOLE), min_size=1, max_size=5))
def test_exactly_the_fields_that_differ_are_named(pairs: list[tuple[dict, dict]]) -> None:
    before = pa.array([canonical(old) for old, _ in pairs])
    after = pa.array([canonical(new) for _, new in pairs])
    found = changes(duck.connect(), NAMES, before, after, pa.array([False] * len(pairs))).to_pylist()
    for (old, new), text in zip(pairs, found, strict=True):
        expected = {
            n: [old.get(n), new[n]] for n in NAMES if n not in old or canonical(old[n]) != canonical(new[n])
        }
        assert json.loads(text) == expected


@pytest.mark.property
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WHOLE, WHOLE), min_size=1, max_size=5))
def test_payloads_of_one_form_are_compared_as_any_others(pairs: list[tuple[dict, dict]]) -> None:
    before, after = (
        pa.array([canonical({name: pair[side][name] for name in NAMES}) for pair in pairs]) for side in (0, 1)
    )
    alike, unlike = (pa.array([value] * len(pairs)) for value in (True, False))
    engine = duck.connect()
    by_place, by_name = (changes(engine, NAMES, before, after, mask).to_pylist() for mask in (alike, unlike))
    assert [json.loads(text) for text in by_place] == [json.loads(text) for text in by_name]


@pytest.mark.parametrize("text", ["a,", ',"', '",', "\\", ',"name":', '{"a":1,"b":2}', ",", '"'])
def test_a_text_that_looks_like_json_is_one_value(text: str) -> None:
    before, after = canonical({"a": text, "b": 1}), canonical({"a": text, "b": 2})
    found = changes(duck.connect(), ["a", "b"], pa.array([before]), pa.array([after]), pa.array([True]))
    assert found.to_pylist() == ['{"b":[1,2]}']


@pytest.mark.parametrize("value", ["1", "null", "12345678901234567890.123456789"])
def test_a_payload_that_is_gone_counts_as_empty(value: str) -> None:
    gone, after = pa.array([None], pa.string()), pa.array([f'{{"a":{value}}}'])
    found = changes(duck.connect(), ["a"], gone, after, pa.array([True]))
    assert found.to_pylist() == [f'{{"a":[null,{value}]}}']


@pytest.mark.parametrize("number", ["1", "12345678901234567890.123456789"])
def test_what_a_new_field_holds_is_not_known_and_null_differs_from_it(number: str) -> None:
    before, after = f'{{"name":{number}}}', f'{{"name":{number},"no te":null}}'
    assert compared(before, after, ["name", "no te"]) == {"no te": [None, None]}


def test_a_field_the_mapping_lost_is_not_compared() -> None:
    assert compared('{"name":"a","old":1}', '{"name":"a"}', ["name"]) == {}


def test_the_last_digit_of_a_long_decimal_counts() -> None:
    before, after = (f'{{"name":12345678901234567890.12345678{last}}}' for last in (8, 9))
    found = compared(before, after, ["name"])
    assert found == {
        "name": [Decimal("12345678901234567890.123456788"), Decimal("12345678901234567890.123456789")]
    }


def test_a_number_and_its_text_differ() -> None:
    assert compared('{"name":1}', '{"name":"1"}', ["name"]) == {"name": [1, "1"]}


def test_split_keeps_the_text_of_each_value() -> None:
    assert split('{"a":1.10,"b":[{"a":"x,}"}],"c":"q\\"","d":null}') == {
        "a": "1.10",
        "b": '[{"a":"x,}"}]',
        "c": '"q\\""',
        "d": "null",
    }
    assert split("{}") == {}
