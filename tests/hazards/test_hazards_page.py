"""docs/hazards.md names every hazard, tests that are there, and every test that carries a hazard's number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

HOME = Path(__file__).parents[2]
PAGE = (HOME / "docs/hazards.md").read_text("utf-8")
LINES = [line.split("|") for line in PAGE.splitlines() if re.match(r"\| h\d\d\w? \|", line)]
ROWS = {cells[1].strip(): cells for cells in LINES}
OPEN = "not covered yet"


def _tests() -> set[str]:
    files = [*(HOME / "tests").rglob("test_*.py"), *(HOME / "src/marea/testing").glob("*.py")]
    return {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text("utf-8"))}


def test_every_hazard_has_a_row() -> None:
    assert list(ROWS) == sorted([f"h{number:02}" for number in range(1, 41)] + ["h08b"])


@pytest.mark.parametrize("hazard", ROWS)
def test_a_row_names_tests_that_are_there_or_says_that_there_are_none(hazard: str) -> None:
    *_, what, tests, _ = ROWS[hazard]
    named = re.findall(r"`(test_\w+)`", tests)
    assert set(named) <= _tests()
    assert named or OPEN in what


def test_every_test_of_a_hazard_stands_in_its_row() -> None:
    numbered = {name: name.split("_")[1] for name in _tests() if re.match(r"test_h\d\d", name)}
    assert {hazard for hazard in numbered.values() if f"`test_{hazard}_" not in ROWS[hazard][4]} == set()
