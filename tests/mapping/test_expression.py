from __future__ import annotations

import pytest

from marea.mapping.expression import ExpressionError, Parser
from marea.sql import duck

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser(duck.connect())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("trim(options.Name) || 'x'", [("options", "Name")]),
        ("1.5", []),
        ("x -- a comment", [("x",)]),
        ("case when a = 1 then b else a end", [("a",), ("b",)]),
        ('"Weird Name"', [("Weird Name",)]),
        ("list_transform([1, 2], lambda n: n + y)", [("y",)]),
        ("a.b.c", [("a", "b", "c")]),
    ],
)
def test_names_are_found(parser: Parser, text: str, names: list[tuple[str, ...]]) -> None:
    assert list(parser.parse(text).names) == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("trim(", "not an SQL expression: a bracket is not closed"),
        ("trim(name))", "not an SQL expression: a bracket is closed that was not opened"),
        ("rate %", 'not an SQL expression: syntax error at or near "%"'),
        ("name || ')' name", 'not an SQL expression: syntax error at or near "name"'),
        ("(select 1)", "a subquery"),
        ("a) from t where (1 = 1", "only one scalar expression"),
        ("random()", "random() changes without a change in the source"),
        ("now()", "now() changes"),
        ("sum(x)", "sum() adds up rows"),
        ("*", "a star"),
        ("?", "a parameter"),
        ("row_number() over ()", "a window function"),
    ],
)
def test_what_is_no_scalar_of_one_record_is_refused(parser: Parser, text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words.replace("(", r"\(").replace(")", r"\)")):
        parser.parse(text)


def test_an_expression_cannot_reach_files_or_change_that() -> None:
    engine = duck.connect()
    for text in (
        "SELECT * FROM read_text('/etc/hostname')",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(Exception, match=r"Permission|Invalid|configuration"):
            engine.execute(text).fetchall()
