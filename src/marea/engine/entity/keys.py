"""Owns reading a record's key as people write it: `0815`, `3211264,0815`, or a JSON list."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from marea.ports import Column

Key = str | int | Sequence[str | int]
"""A key as a caller gives it: text as people write it, or the values of its columns."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def key_text(given: Key, entity: str, columns: Sequence[Column]) -> str:
    """The key as the ledger has it: JSON text, each part in the type of its column.

    Raises ConfigurationError when the parts are not as many as the columns, or a part is
    no value of its column's type.
    """
    import pyarrow as pa

    from marea.sql import duck

    names = [column.name for column in columns]
    parts = _parts(given, len(columns))
    if len(parts) != len(columns):
        raise _miscounted(parts, entity, names)
    typed = [_typed(part, column, entity) for part, column in zip(parts, columns, strict=True)]
    engine = duck.connect()
    engine.register("page", pa.table(typed, names))
    text = engine.sql(f"SELECT {duck.key_json([duck.quote(name) for name in names])} FROM page").fetchall()
    return str(text[0][0])


def likely_texts(given: Key, width: int) -> list[str]:
    """The JSON texts a key may have in the ledger, for when its source cannot be asked for the types.

    `width` is how many columns the key has.
    """
    forms = [_forms(part) for part in _parts(given, width)]
    if len(forms) == 1:
        return forms[0]
    found = [""]
    for form in forms:
        found = [f"{head},{text}" if head else text for head in found for text in form]
    return [f"[{text}]" for text in found]


def shown(key: str) -> str:
    """A key's JSON text as people write it: `0815`, `3211264,0815`."""
    value = json.loads(key, parse_float=str)
    parts = value if isinstance(value, list) else [value]
    if any("," in str(part) for part in parts):
        return key
    return ",".join(str(part) for part in parts)


def _parts(given: Key, width: int) -> list[str]:
    """The parts as texts. A text is taken as it stands where the key has one column."""
    if not isinstance(given, str):
        return [str(given)] if isinstance(given, int) else [str(part) for part in given]
    listed = _json(given)
    if isinstance(listed, list):
        return [str(part) for part in listed]
    if isinstance(listed, str) and width == 1:
        return [listed]
    return [given] if width == 1 else [part.strip() for part in given.split(",")]


def _json(text: str) -> object:
    """The list or text that JSON text is; None for anything else."""
    if text[:1] not in ("[", '"'):
        return None
    try:
        return json.loads(text, parse_float=str)
    except ValueError:
        return None


def _forms(part: str) -> list[str]:
    text = json.dumps(part, ensure_ascii=False)
    return [text, part] if _NUMBER.fullmatch(part) else [text]


def _typed(part: str, column: Column, entity: str) -> object:
    import pyarrow as pa

    try:
        return pa.array([part], pa.string()).cast(column.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ConfigurationError.single(
            f"{part!r} is no value of key column {column.name} ({column.native or column.type})",
            entity=entity,
        ) from None


def _miscounted(parts: Sequence[str], entity: str, names: Sequence[str]) -> ConfigurationError:
    count = "1 part" if len(parts) == 1 else f"{len(parts)} parts"
    return ConfigurationError.single(
        f"the key has {count}, and {entity} is identified by {', '.join(names)}",
        entity=entity,
        hint=f"write {','.join(f'<{name}>' for name in names)}, or a JSON list",
    )
