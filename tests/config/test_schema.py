from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from marea.config.schema import json_schema
from marea.config.tree import read

pytestmark = pytest.mark.unit


def test_the_schema_knows_every_key_of_the_documented_example() -> None:
    schema = json.loads(json.dumps(json_schema()))
    file = Path(__file__).parent / "documented.yaml"
    values = read("documented.yaml", file.read_bytes()).values

    assert schema["$schema"].startswith("https://json-schema.org/")
    assert values.keys() <= schema["properties"].keys()
    for model, value in (
        ("EntityFile", values["entities"]["customers"]),
        ("SourceFile", values["entities"]["customers"]["source"]),
        ("RelationFile", values["entities"]["customers"]["source"]["related"]["branches"]),
        ("DefaultsFile", values["defaults"]),
    ):
        definition: dict[str, Any] = schema["$defs"][model]
        assert value.keys() <= definition["properties"].keys()
        assert definition["additionalProperties"] is False


def test_the_schema_takes_what_a_person_writes_not_what_marea_makes_of_it() -> None:
    properties = json_schema()["$defs"]["EntityFile"]["properties"]
    assert {"type": "string"} in properties["lag"]["anyOf"]
    assert "number" not in json.dumps(properties["lag"])
    source = json_schema()["$defs"]["SourceFile"]["properties"]
    assert [choice["type"] for choice in source["key"]["anyOf"]] == ["string", "array"]
