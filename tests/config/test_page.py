"""Owns the proof that docs/configuration.md is true: its examples load, and it names every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from config.mutations import as_yaml
from marea.config import file
from marea.config.load import load
from marea.config.tree import read

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SECRETS = {"CRM_TOKEN": "x", "ERP_PASSWORD": "y"}
MODELS = [
    model
    for model in vars(file).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__name__.endswith("File")
]


def merged(base: Any, more: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(more, dict):
        return more
    return {**base, **{name: merged(base.get(name), value) for name, value in more.items()}}


def example(text: str) -> dict[str, Any]:
    values: dict[str, Any] = read("configuration.md", text.encode()).values
    return values


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_loads_as_part_of_a_file(text: str, tmp_path: Path) -> None:
    whole = example(EXAMPLES[0])
    shown = example(text)
    whole["entities"] |= dict.fromkeys(shown.get("entities", {}))  # an entity is shown whole
    (tmp_path / "crm.token").write_text("x")
    (tmp_path / "marea.yaml").write_text(as_yaml(merged(whole, shown)))

    settings = load(tmp_path / "marea.yaml", SECRETS)

    assert shown.get("entities", {}).keys() <= settings.entities.keys()


KEYS = [(model.__name__, each.alias or name) for model in MODELS for name, each in model.model_fields.items()]


@pytest.mark.parametrize(("model", "key"), KEYS)
def test_every_key_is_named_by_the_page(model: str, key: str) -> None:
    assert f"`{key}`" in PAGE


def test_every_key_has_an_example() -> None:
    written = "\n".join(EXAMPLES)
    assert [key for _, key in KEYS if not re.search(rf"\b{key}:", written)] == []
