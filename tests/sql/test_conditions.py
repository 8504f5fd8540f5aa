"""A condition is one complete expression: whatever is set around it still holds."""

from __future__ import annotations

import pytest

from marea.sql.conditions import incomplete, meant, told, tried

pytestmark = pytest.mark.unit

WHOLE = [
    "kind = 1",
    "(a = 1 or b = 2) and c in (select c from d where (e = 1))",
    "name = 'O''Brien :-)' and \"odd (\" = 1",
    "`)` = ':(' and path like 'c:\\temp%'",
    "name = '-- ; /*'",
    "a - -1 > 0",
]
PARTIAL = [
    ("1=0) or (1=1", "a bracket is closed that was not opened"),
    ("(1=1", "a bracket is not closed"),
    ("name = 'a", "a quote is not closed; inside of a text write it twice"),
    ("1=1 --", "it holds a comment or a semicolon"),
    ("1=1 /* (", "it holds a comment or a semicolon"),
    ("1=1; DELETE FROM a", "it holds a comment or a semicolon"),
    ("name = '\\') or (1=1 or name = '", "a quote is not closed; inside of a text write it twice"),
    (" ", "it is empty"),
]


@pytest.mark.parametrize("condition", WHOLE)
def test_a_whole_condition(condition: str) -> None:
    assert incomplete(condition) == ""


@pytest.mark.parametrize(("condition", "why"), PARTIAL)
def test_what_is_none(condition: str, why: str) -> None:
    assert incomplete(condition) == why


@pytest.mark.parametrize(
    ("words", "condition", "said"),
    [
        ('near ")": syntax error', "kind =", "at its end: syntax error"),
        ('syntax error at or near ")"', "kind =", "syntax error at its end"),
        ('syntax error at or near ")"', "kind = f(,)", 'syntax error at or near ")"'),
        ("near ') THEN 1 ELSE 0 END FROM t' at line 1", "kind =", "near '' at line 1"),
    ],
)
def test_what_is_put_around_a_condition_is_not_told(words: str, condition: str, said: str) -> None:
    assert told(words, tried(condition)) == said


@pytest.mark.parametrize(
    ("words", "expression", "hint"),
    [
        ("no such column: updd", "updd", 'did you mean "upd"?'),
        ('column "updd" does not exist', "coalesce(updd, created)", 'did you mean "upd"?'),
        ("Unknown column 'r.UPDD' in 'SELECT'", "r.UPDD > 0", 'did you mean "upd"?'),
        ("Invalid column name 'crated'.", "upd > 'crated' and crated > 1", 'did you mean "created"?'),
        ("no such column: updd", "other > 'updd'", ""),
        ("no such column: zzzz", "zzzz", ""),
        ('syntax error near "upd"', "upd upd", ""),
    ],
)
def test_the_name_that_a_database_does_not_know_gets_the_nearest_that_is_there(
    words: str, expression: str, hint: str
) -> None:
    assert meant(words, expression, ["upd", "created"]) == hint
