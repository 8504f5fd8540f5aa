"""Owns the canonical JSON of a payload: how each type is written, so that equal records give equal bytes.

The form is persisted through fingerprints: a change of this text needs a new `FORM`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from marea.sql.duck import literal, quote

FORM = 1
PROVED = literal("Città 0815")

_AS_IS = ("VARCHAR", "BOOLEAN", "JSON", "DATE")
_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_AS_TEXT = ("UUID", "TIME")
_NESTED = "JSON"
_DIGITS = 15  # a double keeps them all
_SCALE = 6  # smaller doubles are written with an exponent


def json_scalar(expression: str, type_: str) -> str | None:
    """The DuckDB expression that gives a value of a DuckDB type its JSON form; None for types without one.

    Decimals are exact numbers without trailing zeros, times are ISO 8601, bytes base64;
    a float that is no number is text, for JSON has no word for it.
    """
    if type_ in _AS_IS or type_ in _WHOLE:
        return expression
    if type_.startswith("DECIMAL"):
        return f"CAST({_decimal(expression, type_)} AS JSON)"
    if type_ == "FLOAT":
        return json_scalar(f"CAST(CAST({expression} AS VARCHAR) AS DOUBLE)", "DOUBLE")
    if type_ == "DOUBLE":
        other = f"to_json(CAST({expression} AS VARCHAR))"
        return f"CASE WHEN isfinite({expression}) THEN to_json({expression}) ELSE {other} END"
    if type_ == "BLOB":
        return f"base64({expression})"
    if type_ in _AS_TEXT:
        return f"CAST({expression} AS VARCHAR)"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"replace(replace(CAST({expression} AS VARCHAR), ' ', 'T'), '+00', 'Z')"
    if type_.startswith("TIMESTAMP"):
        return f"replace(CAST({expression} AS VARCHAR), ' ', 'T')"
    return None


def json_object(fields: Sequence[tuple[str, str, str]]) -> str:
    """The DuckDB expression of an object as JSON text; fields are (name, expression, type) in order.

    Runs of scalars are written by one call; lists and long decimals are joined as text,
    because the engine's JSON writer would round them.
    """
    parts: list[str] = []
    run: list[str] = []
    for name, expression, type_ in fields:
        text = _json_text(expression, type_)
        if text is not None:
            _close(run, parts)
            parts.append(f"{literal(quote_json(name) + ':')} || coalesce({text}, 'null')")
        else:
            run.append(f"{literal(name)}, {json_scalar(expression, type_)}")
    if not parts:
        return _object(run)
    _close(run, parts)
    return "'{' || " + " || ',' || ".join(parts) + " || '}'"


def _json_text(expression: str, type_: str) -> str | None:
    """The value as JSON text, for types that the engine's JSON writer would round."""
    if type_ == _NESTED:
        return f"CAST({expression} AS VARCHAR)"
    if not type_.startswith("DECIMAL") or _is_short(type_):
        return None
    return _decimal(expression, type_)


def _is_short(type_: str) -> bool:
    """Whether the JSON writer, which holds decimals as doubles, writes every digit, and no exponent."""
    digits, scale = (int(part) for part in type_[len("DECIMAL(") : -1].split(","))
    return digits <= _DIGITS and scale <= _SCALE


def _decimal(expression: str, type_: str) -> str:
    text = f"CAST({expression} AS VARCHAR)"
    return text if type_.endswith(",0)") else f"rtrim(rtrim({text}, '0'), '.')"


def _close(run: list[str], parts: list[str]) -> None:
    """End a run of scalars: one object, its braces cut off."""
    if run:
        parts.append(f"{_object(run)}[2:-2]")
        run.clear()


def _object(run: Sequence[str]) -> str:
    return f"CAST(json_object({', '.join(run)}) AS VARCHAR)"


def quote_json(name: str) -> str:
    """A name as JSON text."""
    import json

    return json.dumps(name, ensure_ascii=False)


def fingerprint(expression: str) -> str:
    """The DuckDB expression of a text's fingerprint: 63 bits, not negative.

    It tells a record's payload from the same record's last one: two that differ have the same
    one time in 9e18. A cryptographic digest would take a tenth of a first load's time.
    """
    return f"CAST(hash({expression}) >> 1 AS BIGINT)"


def form_of(columns: Sequence[tuple[str, str]], proof: int) -> int:
    """The number of a payload's form: fields with their types, the version of this module, the engine's hash.

    `proof` is the `fingerprint` of PROVED: no version of the engine promises the hash of another.
    Fingerprints of different forms say nothing about each other: such payloads are compared by value.
    """
    text = f"{FORM}|{proof}|" + "|".join(f"{quote(name)} {type_}" for name, type_ in columns)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
