"""Owns the JSON Schema of a configuration file, for editors that complete and check as one types."""

from __future__ import annotations

from typing import Any


def json_schema() -> dict[str, Any]:
    """The schema of a whole file, in JSON Schema draft 2020-12."""
    from marea.config.file import MareaFile

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **MareaFile.model_json_schema()}
