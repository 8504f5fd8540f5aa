"""Owns the reading of values that may not have the shape they should: what is unusable is stepped over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marea.config.tree import Path


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def names(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    """The texts of a value that is one text or a list of texts, and where each stands."""
    if isinstance(value, str):
        yield path, value
    for position, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str):
            yield (*path, position), item


def texts(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    """Every text inside a value, and where it stands."""
    return ((place, item) for place, item in leaves(path, value) if isinstance(item, str))


def leaves(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    """Every value inside a value that is neither mapping nor list, and where it stands."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves((*path, name), item)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from leaves((*path, position), item)
    else:
        yield path, value
