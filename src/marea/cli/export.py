"""Owns the export of the log to files that other programs read: CSV, Parquet, JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from marea.cli.output import encode
from marea.errors import ConfigurationError

COLUMNS = (
    "run", "at", "entity", "key", "operation", "outcome", "cause", "changes", "target_id", "attempt",
    "code", "error", "duration_ms",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
BATCH = 10_000

Entry = Mapping[str, Any]


def export(entries: Iterator[Entry], name: str) -> int:
    """Writes entries as `document` gives them, oldest or newest first as they come; gives how many.

    Keys and changes are JSON text where the format has only flat columns. The file appears
    whole or not at all. Raises ConfigurationError for an ending that names no format, or a
    file that cannot be written.
    """
    path = Path(name)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ConfigurationError.single(
            f"{name} does not say in which format to write", hint="end it in .csv, .parquet or .jsonl"
        )
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        number = write(entries, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError.single(f"{name} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # its folder is none
            unfinished.unlink(missing_ok=True)
    return number


def _flat(entry: Entry) -> dict[str, Any]:
    """An entry in flat columns."""
    return {**entry, "key": encode(entry["key"]), "changes": encode(entry["changes"])}


def neutral(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _csv(entries: Iterator[Entry], path: Path) -> int:
    import csv

    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in entries:
            flat = _flat(entry) | {"at": entry["at"].isoformat()}
            writer.writerow([neutral(flat[name]) for name in COLUMNS])
            number += 1
    return number


def _jsonl(entries: Iterator[Entry], path: Path) -> int:
    number = 0
    with path.open("w", encoding="utf-8") as file:
        for entry in entries:
            file.write(encode(entry) + "\n")
            number += 1
    return number


def _parquet(entries: Iterator[Entry], path: Path) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    types = {"at": pa.timestamp("us", "UTC"), "attempt": pa.int32(), "duration_ms": pa.int64()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    number = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := [_flat(entry) for entry in islice(entries, BATCH)]:
            writer.write_table(pa.Table.from_pylist(batch, schema))
            number += len(batch)
    return number


_WRITERS: dict[str, Callable[[Iterator[Entry], Path], int]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl": _jsonl,
}
