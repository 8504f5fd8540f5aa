"""Owns the reading of one mapping expression: that it is one scalar expression, and what it refers to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marea.mapping.foreign import DIALECT, INSTEAD, MOMENTS
from marea.sql.conditions import unbalanced

if TYPE_CHECKING:
    import duckdb

_FORBIDDEN = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "DEFAULT": "DEFAULT",
}

_WORDS = re.compile(r"[^\W\d_]+([ ,.!?&/-]+\w+)+[.!?]?")

_UNSTABLE = {"VOLATILE", "CONSISTENT_WITHIN_QUERY"}


class ExpressionError(Exception):
    """An expression that cannot be used, in words for its author; `hint` is how to mend it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: its text, and the column names in it, each as its parts."""

    text: str
    names: tuple[tuple[str, ...], ...]
    bare: bool = False
    """Whether it is one column and nothing else."""


class Parser:
    """Reads expressions; knows the functions of the engine it was made with."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine
        rows = engine.sql(
            "SELECT lower(function_name), function_type, stability FROM duckdb_functions()"
        ).fetchall()
        self._unstable = {name for name, _, stability in rows if stability in _UNSTABLE}
        scalar = {name for name, kind, _ in rows if kind in ("scalar", "macro")}
        self._aggregate = {name for name, kind, _ in rows if kind == "aggregate"} - scalar
        self._scalar = scalar

    def parse(self, text: str) -> Expression:
        """Check that `text` is one scalar expression without side effects; find its column names.

        Raises ExpressionError: a syntax error, several expressions, a subquery, or a
        function whose value changes without a change in the source.
        """
        tree = self.tree(text)
        nodes = list(_nodes(tree))
        for node in nodes:
            self._check(node)
        bound = {name for node in nodes if node["class"] == "LAMBDA" for name in _lambda_names(node)}
        names = [tuple(node["column_names"]) for node in nodes if node["class"] == "COLUMN_REF"]
        free = tuple(dict.fromkeys(name for name in names if name[0] not in bound))
        return Expression(text, free, tree["class"] == "COLUMN_REF")

    def tree(self, text: str) -> dict[str, Any]:
        """The parsed form of one scalar expression, whatever it refers to. Raises ExpressionError."""
        return _tree(text, self._engine)

    def _check(self, node: dict[str, Any]) -> None:
        if node["class"] in _FORBIDDEN:
            raise ExpressionError(f"{_FORBIDDEN[node['class']]} cannot stand in a mapping")
        name = str(node.get("function_name", "")).lower()
        if name in self._aggregate:
            raise ExpressionError(f"{name}() adds up rows; a mapping sees one record")
        if name in self._unstable or (name in MOMENTS and name not in self._scalar):
            raise ExpressionError(f"{name}() changes without a change in the source")
        if name in INSTEAD and name not in self._scalar:
            raise ExpressionError(f"there is no function {name}()", f"write {INSTEAD[name]}; {DIALECT}")


def _lambda_names(node: dict[str, Any]) -> list[str]:
    return [name for inner in _nodes(node.get("lhs")) for name in inner.get("column_names", [])]


def _tree(text: str, engine: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    if not text.strip():
        raise ExpressionError("the expression is empty")
    # The line break ends a trailing comment; the brackets keep a comma or FROM from changing the sense.
    result = _read(f"SELECT ({text}\n)", engine)
    if result["error"]:
        # Without our brackets: the fault may be told of the one that is not its author's.
        bare = _read(f"SELECT {text}\n", engine)
        words = unbalanced(text) or _error(bare if bare["error"] else result)
        raise ExpressionError(f"not an SQL expression: {words}", _quoted(text))
    node = result["statements"][0]["node"]
    plain = node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY"
    if len(result["statements"]) != 1 or not plain or len(node["select_list"]) != 1:
        raise ExpressionError("only one scalar expression may stand here")
    tree: dict[str, Any] = node["select_list"][0]
    return tree


def _read(statement: str, engine: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    rows = engine.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()
    found: dict[str, Any] = json.loads(rows[0][0])
    return found


def _error(result: dict[str, Any]) -> str:
    return str(result.get("error_message", "it is none")).splitlines()[0]


def _quoted(text: str) -> str:
    """The hint for what reads like words that are meant as they stand."""
    plain = _WORDS.fullmatch(text.strip()) is not None
    return as_text(text.strip()) if plain else ""


def as_text(text: str) -> str:
    """The hint for what may be meant as a text, though it reads as an expression."""
    return f"a text to deliver as it is: \"'{text}'\""


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
