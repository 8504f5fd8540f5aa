"""The connector that docs/connectors.md shows keeps its contract, as the page has it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from marea.config.declared import Declaration
from marea.connectors.base import address, unknown_options
from marea.errors import SystemUnreachable
from marea.model import UNKNOWN, Operation
from marea.testing import batch, shape
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


def test_the_delivery_that_is_shown_says_what_became_of_each_record() -> None:
    ends = {"b": ValueError("no"), "c": TimeoutError("late"), "e": ConnectionRefusedError("closed")}
    sent: list[str] = []

    def send(operation: str, name: str, payload: str) -> None:
        code = json.loads(payload)["code"]
        sent.append(code)
        if code in ends:
            raise ends[code]

    codes = shape()
    rows = [{"code": code} for code in "abcdef"]
    receipt = SHOWN["deliver"](send, codes, batch(codes, rows, Operation.CREATE))
    assert sent == list("abcde")
    assert {row: problem.code for row, problem in receipt.rejected.items()} == {1: "refused"}
    left = {row: problem.code for row, problem in receipt.deferred.items()}
    assert left == {2: UNKNOWN, 4: SystemUnreachable.code, 5: SystemUnreachable.code}
    assert receipt.away == "closed"
    with pytest.raises(SystemUnreachable):
        SHOWN["deliver"](send, codes, batch(codes, rows[4:], Operation.CREATE))
