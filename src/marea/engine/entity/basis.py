"""Owns the basis of a ledger: between which places an entity moves, and what identifies its records on both.

A ledger holds for one basis. Under another it would claim that a place has records it has
never been given, or know one record by two keys. A basis is readable values by their name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from marea.config.addresses import beside, shown_state
from marea.config.settings import EntitySettings, Settings, line_of
from marea.errors import Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column

Basis = Mapping[str, str]

SOURCE = "source"
"""The name of the source's place, which may move and leave the records what they are."""
ADDRESS = "address"
"""The name of the target's place."""

_SAID = {
    SOURCE: "the source",
    ADDRESS: "the target",
    "object": "the target's object",
    "target key": "the target's key",
    "source table": "the source's table",
    "source key": "the source's key",
}
"""What the parts of every basis are called; those of how a target addresses records are words already."""

_KEYS = ("source table", "source key")
"""The names of what says which records the ledger's keys are of."""


def configured(
    source: str, target: str, addressing: Mapping[str, str], entity: EntitySettings, folder: Path
) -> dict[str, str]:
    """The part of a basis that the configuration alone says.

    `source` and `target` are the places of the systems as their connectors write them. A file
    beside the configuration is named from there, so that a project which is moved as a whole goes on.
    """
    return {
        SOURCE: beside(folder, source),
        ADDRESS: beside(folder, target),
        "object": entity.target.object,
        "target key": ", ".join(entity.target.key),
        **addressing,
    }


def source_part(table: str, key: Iterable[Column]) -> dict[str, str]:
    """The part of a basis that the source says: table, key columns, and how their values are written."""
    written = ", ".join(f"{column.name} ({_written(column.type)})" for column in key)
    return {"source table": table, "source key": written}


def as_text(basis: Basis) -> str:
    """A basis as the state keeps it."""
    return json.dumps(basis, ensure_ascii=False)


def from_text(text: str) -> Basis:
    """A basis that the state has kept."""
    found: dict[str, str] = json.loads(text)
    return found


def differences(known: str | None, now: Basis) -> dict[str, tuple[str, str]]:
    """What of `now` is not as a known basis (JSON text) has it: name -> (value before, value now)."""
    before = from_text(known) if known is not None else now
    said = {name: (before.get(name, "nothing"), value) for name, value in now.items()}
    return {name: (was, value) for name, (was, value) in said.items() if was != value}


def begins_anew(known: str | None, written: str | None, now: Basis) -> bool:
    """Whether nothing of a ledger counts under the basis of now.

    It was written under a basis (JSON text), and binds to a known one, or to none while it claims
    nothing: then only keys of other tables or of another form are worth nothing.
    """
    before = from_text(written) if written is not None else now
    return bool(differences(known, now)) or any(before.get(name) != now[name] for name in _KEYS)


def moved(known: str | None, now: Basis) -> str | None:
    """A known basis (JSON text) as it is once its source has moved to the place of now."""
    return as_text({**from_text(known), SOURCE: now[SOURCE]}) if known is not None else None


def other_basis(settings: Settings, entity: EntitySettings, found: Mapping[str, tuple[str, str]]) -> Fault:
    """The fault of an entity whose ledger was written under another basis: `found` is what differs."""
    state = shown_state(settings.state, Path(settings.file).resolve().parent)
    said = [f"{_SAID.get(name, name)} was {was}, now it is {value}" for name, (was, value) in found.items()]
    line, field = _stands(settings, entity, next(iter(found)))
    anew = f"to begin the entity anew there: marea sync {entity.name} --resend"
    same = f"where it is the same database, moved: marea sync {entity.name} --moved; "
    return Fault(
        f"what {state} knows of {entity.name} is of other settings: {'; '.join(said)}",
        settings.file,
        line,
        entity.name,
        field,
        f"put it back; {same if found.keys() == {SOURCE} else ''}{anew}; "
        "where another configuration uses this state: give this one a `state:` of its own",
    )


def _stands(settings: Settings, entity: EntitySettings, name: str) -> tuple[int, str]:
    """The line and the field of the settings that a part of a basis is of."""
    side, _, key = {SOURCE: "source", "object": "target object", ADDRESS: "target"}.get(name, name).partition(
        " "
    )
    if side not in ("source", "target"):
        side, key = "target", ""  # how it addresses records
    its = entity.source if side == "source" else entity.target
    if key:
        return line_of(its, key), f"{side}.{key}"
    own = name not in (SOURCE, ADDRESS) and entity.target.options
    return entity.target.line if own else settings.systems[its.system].line, side


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
