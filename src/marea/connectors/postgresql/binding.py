"""Owns how a query's values reach PostgreSQL where the protocol takes none: as literals in its text.

COPY, the only way to read a large result as it comes and not all at once, takes no parameters.
"""

from __future__ import annotations

import re

from marea.sql.dialect import Parameter, Query

_TOKENS = re.compile(
    r"""
      \b[eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>[^\W\d]\w*)?\$.*?\$(?(tag)(?P=tag))\$
    | --[^\n]*
    | /\*.*?\*/
    | (?<!\w)\$(?P<number>\d+)
    """,
    re.VERBOSE | re.DOTALL,
)


def inline(query: Query) -> str:
    """The query with its values as literals; what stands in quotes and comments is left alone."""
    if not query.parameters:
        return query.text

    def replace(match: re.Match[str]) -> str:
        number = match["number"]
        return literal(query.parameters[int(number) - 1]) if number else match[0]

    return _TOKENS.sub(replace, query.text)


def literal(value: Parameter) -> str:
    """A value as a literal; needs standard_conforming_strings, which every session of ours sets."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return f"({value})"
    return "'" + value.replace("'", "''") + "'"
