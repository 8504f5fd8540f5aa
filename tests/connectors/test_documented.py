"""The connector that docs/connectors.md shows keeps its contract, as the page has it."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from marea.config.declared import Declaration
from marea.connectors.base import address, unknown_options
from marea.testing.memory import MemoryTarget

pytestmark = pytest.mark.contract

PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"
SHOWN: dict[str, Any] = {
    "Declaration": Declaration,
    "address": address,
    "unknown_options": unknown_options,
    "pytest": pytest,
    **dict.fromkeys(("AcmeSource", "AcmeTarget"), lambda system: MemoryTarget()),
}
for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
    exec(dedent("   " + block.lstrip()), SHOWN)


class TestDocumentedConnector(SHOWN["TestAcmeConnector"]):
    @pytest.fixture(autouse=True)
    def _installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        points = [SimpleNamespace(name="acme", load=lambda: SHOWN["AcmeConnector"])]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
