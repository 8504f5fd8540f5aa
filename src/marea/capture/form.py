"""Owns the form of durable positions: each is JSON that tells its version, so that a newer one is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marea.errors import RunStopped


def written(version: int, values: Mapping[str, object]) -> str:
    """The durable text of a position."""
    return json.dumps({"v": version, **values}, ensure_ascii=False, separators=(",", ":"))


def read(version: int, text: str) -> dict[str, Any]:
    """The values of a durable text. Raises RunStopped for one of a newer program."""
    value: dict[str, Any] = json.loads(text)
    if value.get("v") != version:
        raise RunStopped(
            f"the position has form {value.get('v')}, this program knows {version}",
            hint="run the version of Marea that wrote it, or a newer one",
        )
    return value
