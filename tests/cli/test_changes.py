from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from marea.cli.changes import changes_text

pytestmark = pytest.mark.unit


def told(before: Any, after: Any, *, created: bool = False) -> list[str]:
    return list(changes_text({"note": (before, after)}, "", created=created))


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("a", "b", "a -> b"),
        (None, "new", "null -> new"),
        ("old", None, "old -> null"),
        ("", None, '"" -> null'),
        (Decimal("1.10"), Decimal("1.20"), "1.10 -> 1.20"),
        (5, "5", '5 -> "5"'),
        (True, 1, "true -> 1"),
        ("a ", "a", '"a " -> "a"'),
        ("a\u00a0b", "a b", '"a\\u00a0b" -> "a b"'),
        ("a\tb", "a b", '"a\\tb" -> "a b"'),
        ("(private)", "(private)", "(private)"),
        (None, None, "null"),
        ({"a": 1}, {"a": 2}, '{"a": 1} -> {"a": 2}'),
    ],
)
def test_a_value_before_and_after(before: Any, after: Any, text: str) -> None:
    assert told(before, after) == [f"note  {text}"]


def test_what_is_created_has_no_before() -> None:
    assert told(None, "new", created=True) == ["note  new"]
    assert told(None, None, created=True) == ["note  null"]


def test_long_texts_are_cut_where_they_differ() -> None:
    same = "Consegna solo al mattino, suonare due volte, chiedere di Anna al banco, "
    [line] = told(f"{same}non prima delle 8", f"{same}non prima delle 9 e un quarto")
    before, _, after = line.removeprefix("note  ").partition(" -> ")
    assert before == "…co, non prima delle 8"
    assert after == "…co, non prima delle 9 e un quarto"


@pytest.mark.parametrize("length", [1, 30, 39, 40, 41, 60, 100, 5_000])
def test_two_texts_are_never_shown_alike(length: int) -> None:
    [line] = told("x" * length + "a" + "y" * 99, "x" * length + "b" + "y" * 99)
    before, _, after = line.removeprefix("note  ").partition(" -> ")
    assert before != after
    assert max(len(before), len(after)) <= 60


def row(code: str, city: str) -> dict[str, Any]:
    return {"code": code, "city": city, "street": "Via Po"}


ROWS = [row("B1", "Torino"), row("B2", "Catania"), row("B3", "Bari")]


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        ([*ROWS[:2], row("B3", "Lecce")], ["note row 3 city  Bari -> Lecce"]),
        (
            [row("A1", "Torino"), ROWS[1], row("B3", "Lecce")],
            ["note row 1 code  B1 -> A1", "note row 3 city  Bari -> Lecce"],
        ),
        (
            ROWS[:1] + ROWS[2:],
            ['note row 2  removed: {"code": "B2", "city": "Catania", "street": "Via Po"}'],
        ),
        (
            [*ROWS, row("B4", "Pisa")],
            ['note row 4  added: {"code": "B4", "city": "Pisa", "street": "Via Po"}'],
        ),
        (
            [*ROWS[:2], {"code": "B3"}],
            ['note row 3  {"code": "B3", "city": "Bari", "street": "Via Po"} -> {"code": "B3"}'],
        ),
    ],
)
def test_of_a_list_the_rows_and_columns_that_differ(after: list[Any], lines: list[str]) -> None:
    assert told(ROWS, after) == lines


def test_rows_of_plain_values() -> None:
    assert told(["a", "b"], ["a", "c"]) == ["note row 2  b -> c"]
    assert told([], ["a"]) == ["note row 1  added: a"]
    assert told(["a"], []) == ["note row 1  removed: a"]
    assert told([1, Decimal("1.1")], [1, Decimal("1.10")]) == ["note row 2  1.1 -> 1.10"]


def test_of_many_differences_the_first_and_how_many_more() -> None:
    found = told([row(str(n), "Torino") for n in range(20)], [row(str(n), "Bari") for n in range(20)])
    assert found[0] == "note row 1 city  Torino -> Bari"
    assert found[-1].split() == ["note", "…", "and", "12", "more", "differences:", "--json", "has", "all"]
    assert len(found) == 9
