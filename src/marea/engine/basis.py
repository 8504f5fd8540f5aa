"""Owns the basis of a ledger: where an entity is delivered to, and what identifies its records on both sides.

A ledger holds for one basis. Under another it would claim that a place has records it has
never been given, or know one record by two keys. A basis is readable values by their name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings
from marea.errors import Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column

Basis = Mapping[str, str]


def destination(place: str, target: EntitySettings, folder: Path) -> dict[str, str]:
    """The part of a basis that the configuration alone says.

    `place` is the target's, as its connector writes it. A file beside the configuration is named
    from there, so that a project which is moved as a whole goes on.
    """
    scheme, mark, path = place.partition(":///")
    if mark and Path(path).is_relative_to(folder):
        place = f"{scheme}:///{Path(path).relative_to(folder)}"
    return {"address": place, "object": target.target.object, "target key": ", ".join(target.target.key)}


def source_key(columns: Iterable[Column]) -> dict[str, str]:
    """The part of a basis that the source says: its key columns, and how their values are written."""
    return {"source key": ", ".join(f"{column.name} ({_written(column.type)})" for column in columns)}


def as_text(basis: Basis) -> str:
    """A basis as the state keeps it."""
    return json.dumps(basis, ensure_ascii=False)


def from_text(text: str) -> Basis:
    """A basis that the state has kept."""
    found: dict[str, str] = json.loads(text)
    return found


def differences(known: str | None, now: Basis) -> list[str]:
    """What of `now` is not as a known basis (JSON text) has it, one phrase each."""
    before = from_text(known) if known is not None else now
    return [f"{name}: {before[name]} -> {value}" for name, value in now.items() if before[name] != value]


def other_basis(file: str, entity: EntitySettings, found: Iterable[str]) -> Fault:
    """The fault of an entity whose ledger was written under another basis."""
    return Fault(
        f"what was delivered so far was delivered elsewhere or under other keys ({'; '.join(found)})",
        file,
        entity.target.line,
        entity.name,
        "target",
        f"put it back, or begin the entity anew there: marea sync {entity.name} --resend",
    )


def _written(type_: pa.DataType) -> str:
    """The form of a key value in the ledger: a value keeps its text as long as its form stays."""
    import pyarrow as pa

    if pa.types.is_decimal(type_) and type_.scale:
        return f"number with {type_.scale} decimals"
    forms = {
        "boolean": pa.types.is_boolean,
        "number": lambda type_: pa.types.is_integer(type_) or pa.types.is_decimal(type_),
        "floating number": pa.types.is_floating,
        "date": pa.types.is_date,
        "time": pa.types.is_time,
        "timestamp": pa.types.is_timestamp,
        "bytes": lambda type_: pa.types.is_binary(type_) or pa.types.is_large_binary(type_),
    }
    return next((name for name, fits in forms.items() if fits(type_)), "text")
