"""Owns what functions of other databases are in the SQL of expressions, for who writes them from habit."""

from __future__ import annotations

import re

DIALECT = "expressions are DuckDB's SQL"

_CASE = "CASE WHEN condition THEN a ELSE b END"
_CAST = "CAST(a AS VARCHAR)"

INSTEAD = {
    **dict.fromkeys(("isnull", "nvl", "nz"), "coalesce(a, b)"),
    "nvl2": "CASE WHEN a IS NULL THEN c ELSE b END",
    **dict.fromkeys(("iif", "iff"), _CASE),
    "decode": "CASE a WHEN 'x' THEN 'y' ELSE 'z' END",
    **dict.fromkeys(("convert", "str", "cstr", "to_varchar"), _CAST),
    **dict.fromkeys(("try_convert", "to_number", "val"), "TRY_CAST(a AS DECIMAL(18, 2))"),
    **dict.fromkeys(("to_char", "date_format"), "strftime(a, '%Y-%m-%d')"),
    **dict.fromkeys(("to_date", "str_to_date"), "strptime(a, '%Y-%m-%d')"),
    "dateadd": "a + INTERVAL 1 DAY",
    "charindex": "strpos(a, 'x')",
    "mid": "substr(a, 1, 2)",
    "replicate": "repeat(a, 3)",
    "space": "repeat(' ', 3)",
    "truncate": "trunc(a)",
    "datalength": "strlen(a)",
}
"""Function of another database -> what is written instead of it."""

MOMENTS = frozenset(
    {
        "getdate",
        "getutcdate",
        "sysdate",
        "sysdatetime",
        "systimestamp",
        "curdate",
        "curtime",
        "sysutcdatetime",
    }
)
"""Functions of other databases that give the moment at hand."""

_JOINED = re.compile(r"[\"']\+\([^)]*(VARCHAR|STRING_LITERAL)")
_CALLED = re.compile(r"[\"'](\w+)\(")
_UNKNOWN = re.compile(r"^(Scalar )?Function with name |^No function matches ", re.IGNORECASE)


def hint(words: str) -> str:
    """The hint for what the engine says of an expression; empty where nothing tells that habit wrote it."""
    if _JOINED.search(words):
        return f"write a || b to join texts; {DIALECT}"
    called = _CALLED.search(words)
    if called and called[1] in INSTEAD:
        return f"write {INSTEAD[called[1]]}; {DIALECT}"
    return DIALECT if _UNKNOWN.search(words) else ""
