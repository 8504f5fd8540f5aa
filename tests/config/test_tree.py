from __future__ import annotations

from typing import Any

import pytest

from marea.config.tree import Document, read
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit


def document(text: str) -> Document:
    return read("marea.yaml", text.encode())


def told(text: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        document(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("03:00", "03:00"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0815", "0815"),
        ("815", 815),
        ("-3", -3),
        ("0x1F", 31),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("|\n  two\n  lines", "two\nlines"),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(written: str, value: object) -> None:
    found = document(f"key: {written}").values["key"]
    assert (found, type(found) is bool) == (value, type(value) is bool)


def test_a_fraction_keeps_the_way_it_was_written() -> None:
    assert document("rate: 22.50").values["rate"].text == "22.50"


def test_the_keys_yes_no_and_on_stay_text() -> None:
    assert document("{on: 1, yes: 2, no: 3, 4: 5, null: 6}").values == {
        "on": 1,
        "yes": 2,
        "no": 3,
        "4": 5,
        "null": 6,
    }


def test_every_value_knows_its_line() -> None:
    lines = document("a:\n  - 1\n  - c: 2\n").lines
    assert lines == {(): 1, ("a",): 1, ("a", 0): 2, ("a", 1): 3, ("a", 1, "c"): 3}


def test_a_place_without_a_line_takes_that_of_what_is_around_it() -> None:
    found = document("a: 1\nb:\n  c: 2\n")
    assert (found.line(("b", "d", "e")), found.line(("x",))) == (2, 1)


def test_anchors_and_merged_keys_are_taken_over() -> None:
    anchors = "base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\n"
    text = anchors + "one: {<<: *base, y: 9}\ntwo:\n  <<: [*more, *base]\n"
    values = document(text).values
    assert values["one"] == {"y": 9, "x": 1}
    assert values["two"] == {"x": 1, "y": 3, "z": 4}


def test_a_key_given_twice_is_a_fault_and_reading_goes_on() -> None:
    found = document("a: {b: 1}\nc: 2\na: {b: 3, b: 4}\n")
    assert found.values == {"a": {"b": 1}, "c": 2}
    assert [(fault.line, fault.field) for fault in found.faults] == [
        (3, "a (again)"),
        (3, "a (again).b (again)"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_holds_nothing(text: str) -> None:
    assert document(text).values is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]", "marea.yaml:1: an alias stands for something that is not written above it"),
        ("\n" + "[" * 100_000, "marea.yaml:2: values are nested more than 50 deep"),
        ("a: " + "{b: " * 10_000, "marea.yaml:1: values are nested more than 50 deep"),
        ("? [a]\n: b", "marea.yaml:1: a key must be a name"),
        ("<<: 7", "marea.yaml:1: `<<` takes over the keys of a mapping, and this is none"),
    ],
)
def test_what_cannot_be_a_configuration_stops_the_reading(text: str, message: str) -> None:
    assert told(text) == message


def test_a_small_file_cannot_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert told("\n".join(lines)) == "marea.yaml:6: the file holds more than 200000 values"


@pytest.mark.parametrize(
    ("content", "line"), [(b"a: 1\nb: \xff\n", 2), (b"a: 1\n\nb: \x00\n", 3), (b"\xff\xfea\x00", 1)]
)
def test_what_is_not_text_is_told_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read("marea.yaml", content)
    assert [fault.line for fault in raised.value.faults] == [line]


def test_a_byte_order_mark_is_no_content() -> None:
    found: Any = read("marea.yaml", b"\xef\xbb\xbfa: 1").values
    assert found == {"a": 1}
