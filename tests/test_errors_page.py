"""docs/errors.md has every code that the program gives, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from marea.cli.main import AWAY, INTERNAL, USAGE
from marea.errors import (
    BatchRefused,
    ConfigurationError,
    EntityBusy,
    MareaError,
    RunInterrupted,
    RunStopped,
    SystemUnreachable,
)

pytestmark = pytest.mark.unit

HOME = Path(__file__).parents[1]
SOURCE = HOME / "src/marea"
MAKERS = {"Problem", "Trouble", "_lost", "_away", "_problem", "cls"}
"""Calls that make a problem, its code first or, of a rule, second."""
AGAIN = (SystemUnreachable, EntityBusy, RunInterrupted)
EXITS = {ConfigurationError: USAGE, RunStopped: INTERNAL, **dict.fromkeys(AGAIN, AWAY)}


@cache
def codes() -> set[str]:
    """Every code in the source, those of the database's own and of the application's left out."""
    files = [file for file in SOURCE.rglob("*.py") if file.parent != SOURCE / "testing"]
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    named = dict(pair for tree in trees for pair in _constants(tree.body))
    found = {code for tree in trees for code in _codes(tree, named)}
    return {code for code in found if code and not code.isdecimal() and not code.startswith("http ")}


def _constants(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield target.id, node.value.value


def _codes(tree: ast.Module, named: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from (code for name, code in _constants(node.body) if name == "code")
        for value in _given(node):
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value
            elif isinstance(value, ast.Name) and value.id in named:
                yield named[value.id]


def _given(node: ast.AST) -> list[ast.expr]:
    """What stands where a code does: in a call that makes a problem, beside `code=`, compared with one."""
    if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith((".code", "['code']")):
        return node.comparators
    if not isinstance(node, ast.Call):
        return []
    maker = getattr(node.func, "id", "")
    place = 1 if maker == "_problem" else 0
    first = node.args[place : place + 1] if maker in MAKERS else []
    return [*first, *(word.value for word in node.keywords if word.arg == "code")]


def rows(section: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    text = (HOME / "docs/errors.md").read_text("utf-8").partition(f"## {section}")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


ENDING = rows("Errors that end a command")
OF_RECORDS = rows("Codes of records")


def test_every_code_is_on_the_page_and_every_code_there_is_given() -> None:
    page = {code for row in (*ENDING, *OF_RECORDS) for code in re.findall(r"`([^`]+)`", row[0])}
    assert codes() - page == set()
    assert page - codes() == {"http NNN"}


def test_the_exit_codes_are_those_of_the_errors() -> None:
    written = {row[0].strip("`"): row[-1] for row in ENDING}
    assert {kind: written[kind.code] for kind in EXITS} == {kind: str(code) for kind, code in EXITS.items()}
    assert (written[MareaError.code], written[BatchRefused.code]) == (str(INTERNAL), "-")


def test_every_row_says_what_to_do_next() -> None:
    assert [row for row in ENDING if len(row) != 4 or not all(row)] == []
    assert [row for row in OF_RECORDS if len(row) != 3 or not all(row)] == []
