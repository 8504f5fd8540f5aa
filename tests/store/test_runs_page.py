"""docs/runs.md is true: its states are those of the program, its transitions those of the store."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from marea.cli.common import EXIT_CODES
from marea.delivery import retry
from marea.model import Outcome, RecordState, RunStatus
from marea.store.state import open_state
from store.desk import Desk, row

PAGE = (Path(__file__).parents[2] / "docs/runs.md").read_text("utf-8")
RUNS, RECORDS = PAGE.split("## A record")


def table(text: str, first: str) -> list[list[str]]:
    """The rows of the table whose first heading is that."""
    found = text.partition(f"| {first} |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in found.splitlines()[1:] if line.startswith("|")]
    return [[cell.strip() for cell in cells] for cells in rows if not cells[0].startswith("-")]


def picture(text: str) -> str:
    return text.split("```")[1]


@pytest.mark.unit
def test_a_run_ends_as_the_page_says() -> None:
    rows = [(start.strip("`"), end.strip("`"), int(code)) for start, end, _, code in table(RUNS, "from")]
    assert {start for start, _, _ in rows} == {RunStatus.RUNNING}
    assert {RunStatus(end): code for _, end, code in rows} == EXIT_CODES
    assert {*EXIT_CODES, RunStatus.RUNNING} == set(RunStatus)
    assert set(re.findall(r"\w+", picture(RUNS))) == set(RunStatus)


@pytest.mark.unit
def test_the_states_of_a_record_are_the_ledgers() -> None:
    assert [name.strip("`") for name, _ in table(RECORDS, "state")] == [state.value for state in RecordState]
    assert all(state.value in picture(RECORDS) for state in RecordState)
    assert all(outcome.value in picture(RECORDS) for outcome in Outcome)


FROM: dict[str, Callable[[Desk], None]] = {
    "no row": lambda desk: None,
    "`aligned`": lambda desk: _commit(desk, Outcome.CREATED),
    "`due`, delivered before": lambda desk: _commit(desk, Outcome.CREATED, Outcome.REJECTED),
    "`due`, never delivered": lambda desk: _commit(desk, Outcome.REJECTED),
    "`gone`": lambda desk: _commit(desk, Outcome.CREATED, Outcome.DELETED),
}


def _commit(desk: Desk, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        desk.commit(row("1", outcome))


def _transitions() -> list[tuple[str, Outcome, str]]:
    columns = ("created, updated", "unchanged", "deleted", "rejected, waiting, deferred, held")
    return [
        (start, Outcome(outcome), state.strip("`"))
        for start, *states in table(RECORDS.partition("How a delivery")[2], "from")
        for outcomes, state in zip(columns, states, strict=True)
        for outcome in outcomes.split(", ")
        if state != "-"
    ]


@pytest.mark.integration
@pytest.mark.parametrize(("start", "outcome", "end"), _transitions(), ids=str)
def test_an_outcome_moves_the_row_as_the_page_says(
    start: str, outcome: Outcome, end: str, tmp_path: Path
) -> None:
    desk = Desk(open_state(f"sqlite:///{tmp_path / 'marea.db'}"))
    try:
        FROM[start](desk)
        _commit(desk, outcome)
        assert desk.record("1").state == end
    finally:
        desk.close()


@pytest.mark.unit
def test_every_transition_is_on_the_page() -> None:
    made = {(start, outcome) for start, outcome, _ in _transitions()}
    assert made == {(start, outcome) for start in FROM for outcome in Outcome} - {
        ("no row", Outcome.UNCHANGED)
    }


@pytest.mark.unit
def test_the_pauses_are_those_of_the_program() -> None:
    assert [seconds / 60 for seconds in retry.SCHEDULE] == [15, 60, 360, 1440]
    assert [seconds / 60 for seconds in retry.SOON] == [1, 5, 15, 60]
    assert "after 15 minutes, an hour, six hours, then once a day" in PAGE
    assert "after 1, 5, 15, then every 60 minutes" in PAGE
