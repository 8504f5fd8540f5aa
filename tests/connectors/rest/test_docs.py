"""The examples of docs/rest.md are valid as they stand, and its tables leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.rest.tools import Targets, shape
from marea.connectors.rest import RestConnector
from marea.connectors.rest.options import NAMES
from marea.model import UNKNOWN

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parents[3] / "docs" / "rest.md").read_text("utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(example["systems"])))
def test_an_example_is_valid(targets: Targets, example: dict[str, Any]) -> None:
    ((name, system),) = example["systems"].items()
    url = system.pop("url")
    assert RestConnector().validate(system) == []
    target = targets.at(url, **system)
    for entity in example["entities"].values():
        options = entity["target"]
        assert options.pop("system") == name
        target.prepare(shape(options.pop("object"), [options.pop("key")], **options))


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_an_example_is_short(example: str) -> None:
    assert len(example.splitlines()) <= 22


def test_every_option_is_in_the_table() -> None:
    assert {*NAMES, "url"} <= set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))


def test_every_code_is_in_the_table() -> None:
    sources = (Path(__file__).parents[3] / "src/marea/connectors/rest").glob("*.py")
    made = r'(?:Problem|Failure|_lost|_away)\("([^"]+)"'
    written = {code for file in sources for code in re.findall(made, file.read_text())} | {UNKNOWN}
    away = {"login", "tls", "dns", "connection"}
    assert written - away <= set(re.findall(r"`([a-z -]+)`", TEXT))
    assert {"refused", "ambiguous", "unknown", "address"} <= written
