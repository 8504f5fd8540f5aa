from __future__ import annotations

import re
from pathlib import Path

import pytest

from marea.mapping.expression import ExpressionError, Parser
from marea.mapping.foreign import INSTEAD
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


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("isnull(a, b)", "write coalesce(a, b)"),
        ("NVL(a, 'x')", "write coalesce(a, b)"),
        ("CONVERT(varchar, a)", "write CAST(a AS VARCHAR)"),
        ("IIF(a > 1, b, c)", "write CASE WHEN condition THEN a ELSE b END"),
    ],
)
def test_functions_of_other_databases_are_told_with_what_is_written_instead(
    parser: Parser, text: str, hint: str
) -> None:
    with pytest.raises(ExpressionError, match="there is no function") as caught:
        parser.parse(text)
    assert caught.value.hint == f"{hint}; expressions are DuckDB's SQL"


@pytest.mark.parametrize("text", ["getdate()", "SYSDATE()"])
def test_the_moment_of_other_databases_is_refused_as_that_of_this_one(parser: Parser, text: str) -> None:
    with pytest.raises(ExpressionError, match="changes without a change in the source"):
        parser.parse(text)


def test_what_is_written_instead_can_be_written(parser: Parser) -> None:
    for text in INSTEAD.values():
        parser.parse(text)


def test_the_table_of_the_page_is_what_is_said() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    told = re.findall(r"^\| (`[^|]*\(…\)`(?:, `[^|]*\(…\)`)*) \| `([^|]*)` \|$", page, re.MULTILINE)
    said = {name: instead for names, instead in told for name in re.findall(r"`(\w+)\(…\)`", names)}
    assert said == INSTEAD


def test_an_expression_cannot_reach_files_or_change_that() -> None:
    engine = duck.connect()
    for text in (
        "SELECT * FROM read_text('/etc/hostname')",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(Exception, match=r"Permission|Invalid|configuration"):
            engine.execute(text).fetchall()
