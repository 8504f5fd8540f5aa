"""Owns the trial of a condition in a source's own SQL: whether it is whole, how its database is asked."""

from __future__ import annotations

import re
from collections.abc import Collection

from marea.config.names import nearest

_AROUND = ") THEN 1 ELSE 0 END"
_CLOSED = re.compile(r"(?:at or )?near \"\)\"")
_NAME = re.compile(r"[^\W\d]\w*")
_TEXT = re.compile(r"'[^']*'")
_PLAIN = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_ESCAPING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", re.DOTALL)
"""How databases read quotes in which a backslash has no meaning, and in which it has."""


def incomplete(condition: str) -> str:
    """Why a condition is not one complete expression, in words; empty where nothing speaks against it.

    Whether it is SQL at all is for its database to say.
    """
    if not condition.strip():
        return "it is empty"
    readings = (_PLAIN, _ESCAPING) if "\\" in condition else (_PLAIN,)
    return next((fault for quoted in readings if (fault := _fault(quoted.sub(" ", condition)))), "")


def tried(condition: str) -> str:
    """An expression that its database takes where it takes the condition."""
    return f"CASE WHEN ({condition}{_AROUND}"


def told(words: str, expression: str) -> str:
    """What a database says of an expression, a tried condition too, without what was put around it."""
    words = re.sub(rf"{re.escape(_AROUND)}[^'\"]*", "", words)
    closes = ")" in expression.removesuffix(_AROUND)
    return words if closes else _CLOSED.sub("at its end", words)


def meant(words: str, expression: str, columns: Collection[str]) -> str:
    """The hint for the name in an expression that its database does not know; empty where none is near.

    It is what the database's words, whatever these are, repeat of the expression and is no column.
    """
    known = {name.casefold() for name in columns}
    written = {name for name in _NAME.findall(_TEXT.sub(" ", expression)) if name.casefold() not in known}
    named = (name for name in _NAME.findall(words) if name in written)
    return next((hint for name in named if (hint := nearest(name, columns))), "")


def unbalanced(text: str) -> str:
    """Which bracket outside of quotes has no other to it, in words; empty where each has one."""
    return _unbalanced(_PLAIN.sub(" ", text))


def _fault(bare: str) -> str:
    """What is wrong with a condition whose quoted parts are taken out."""
    if any(quote in bare for quote in "'\"`"):
        return "a quote is not closed; inside of a text write it twice"
    if ";" in bare or "--" in bare or "/*" in bare:
        return "it holds a comment or a semicolon"
    return _unbalanced(bare)


def _unbalanced(bare: str) -> str:
    depth = 0
    for bracket in re.findall(r"[()]", bare):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            return "a bracket is closed that was not opened"
    return "a bracket is not closed" if depth else ""
