"""The history of `make bench-loss`: what a seed gives, and that each of its changes can happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.loss.generate import Size, generate
from bench.loss.hazards import HAZARDS
from bench.loss.history import ADDRESS, PARTY, Begin, Change, End, History, Operation, Stamp, Write
from bench.loss.report import rows
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.unit

SMALL = Size(quiet=20, each=8, steps=4)


def test_a_seed_gives_the_same_history_again_and_another_seed_another() -> None:
    assert generate(3, SMALL) == generate(3, SMALL)
    assert generate(3, SMALL).steps != generate(4, SMALL).steps


def test_each_hazard_concerns_a_known_number_of_rows() -> None:
    counted = rows(generate(1, Size(quiet=20, each=40)))
    assert list(counted) == [hazard.name for hazard in HAZARDS]
    assert counted.pop("ordinary edit") == 200
    assert set(counted.values()) == {40, 60, 80}


def test_the_page_describes_each_hazard_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text("utf-8")
    table = page.split("| hazard | what happens |\n|---|---|\n")[1].split("\n\n")[0]
    named = [name for line in table.splitlines() for name in line.split(" | ")[0].strip("| ").split("; ")]
    assert named == [hazard.name for hazard in HAZARDS]


@given(st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_every_change_finds_its_row_and_every_transaction_ends(seed: int) -> None:
    history = generate(seed, SMALL)
    model = Model(history)
    for step in history.steps:
        for action in step:
            model.do(action)
    assert model.open == {}


@given(st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_what_commits_late_is_older_than_what_is_committed_before_the_run(seed: int) -> None:
    history = generate(seed, SMALL)
    found = [*stretches(history, "late commit")]
    assert found
    for name, begun, ended in found:
        step = history.steps[begun]
        rest = step[step.index(Begin(name)) :]
        newer = [each.transaction for each in rest if isinstance(each, Begin)]
        assert ended > begun
        assert any(End(each) in rest for each in newer)


def test_nothing_but_what_follows_a_stamp_ahead_comes_after_it() -> None:
    history = generate(1, SMALL)
    steps = [number for number, change in history.changes() if change.stamp is Stamp.AHEAD]
    after = {history.hazards[change.table, change.key] for at, change in history.changes() if at > max(steps)}
    assert after == {
        "stamp ahead, then edited",
        "edited after a stamp ahead",
        "as many gone as put back",
    }


def test_rows_are_of_one_hazard() -> None:
    history = generate(1, SMALL)
    quiet = {party.code for party in history.parties} - {
        key for table, key in history.hazards if table == PARTY
    }
    assert len(quiet) == SMALL.quiet
    assert not quiet & {change.key for _, change in history.changes()}


class Model:
    """The source as a set of keys: what is there, and what open transactions have written."""

    def __init__(self, history: History) -> None:
        self.committed = {
            PARTY: {party.code for party in history.parties},
            ADDRESS: {str(address.id) for address in history.addresses},
        }
        self.open: dict[str, list[Change]] = {}

    def do(self, action: Begin | Write | End) -> None:
        if isinstance(action, Begin):
            self.open[action.transaction] = []
        elif isinstance(action, Write):
            self.open[action.transaction] += action.changes
            self._lock_nobody_else(action)
        else:
            changes = self.open.pop(action.transaction)
            for change in changes if action.commit else ():
                self._apply(change)

    def _lock_nobody_else(self, action: Write) -> None:
        """A row that an open transaction has written would be waited for, for ever."""
        ours = {(change.table, change.key) for change in action.changes}
        for name, changes in self.open.items():
            if name != action.transaction:
                assert not ours & {(change.table, change.key) for change in changes}

    def _apply(self, change: Change) -> None:
        keys = self.committed[change.table]
        if change.operation is Operation.INSERT:
            assert change.key not in keys
            keys.add(change.key)
            return
        assert change.key in keys
        if change.operation is Operation.DELETE:
            keys.remove(change.key)
        if change.operation is Operation.MOVE and change.table == PARTY:
            keys.remove(change.key)
            keys.add(str(change.to))


def stretches(history: History, hazard: str) -> Iterator[tuple[str, int, int]]:
    """Each transaction of a hazard with the steps it begins and ends in."""
    for begun, step in enumerate(history.steps):
        for action in step:
            if isinstance(action, Begin) and action.transaction.startswith(hazard):
                name = action.transaction
                yield name, begun, next(n for n, each in enumerate(history.steps) if End(name) in each)
