from __future__ import annotations

import os
import subprocess
import sys

import pytest

from marea.model import Books, Outcome, RunKind, RunStatus
from marea.store.owner import current_owner, describe, is_dead
from marea.store.state import State
from store.desk import NOW, OWNER, Desk, row

pytestmark = pytest.mark.unit

SECOND = 1_000_000
TELL = "from marea.store.owner import current_owner; print(current_owner(), flush=True); input()"


def test_a_run_is_opened_and_closed(state: State) -> None:
    run = state.runs.begin(RunKind.FULL, "command line", OWNER, NOW)
    opened = state.runs.get(run)
    assert opened is not None
    assert (opened.kind, opened.cause, opened.owner) == (RunKind.FULL, "command line", OWNER)
    assert (opened.status, opened.ended, opened.books) == (RunStatus.RUNNING, None, {})
    state.runs.finish(run, RunStatus.PARTIAL, NOW + SECOND, "two rejected")
    closed = state.runs.get(run)
    assert closed is not None
    assert (closed.status, closed.message) == (RunStatus.PARTIAL, "two rejected")
    assert closed.ended is not None
    assert (closed.ended - closed.started).total_seconds() == 1
    assert state.runs.get(run + 1) is None


def test_recent_runs_come_newest_first_with_their_books(state: State) -> None:
    customers, items = Desk(state, "customers"), Desk(state, "items")
    customers.commit(row("1", Outcome.CREATED), row("2", Outcome.CREATED))
    items.run = customers.run
    items.commit(row("1", Outcome.DELETED))
    runs = state.runs.recent(10)
    assert [run.id for run in runs] == [2, 1]
    assert runs[0].books == {}
    assert {name: books.detected for name, books in runs[1].books.items()} == {"customers": 2, "items": 1}
    assert [run.id for run in state.runs.recent(1)] == [2]
    assert state.runs.books(2, items.entity) == Books()


def test_a_process_knows_itself_and_who_has_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdin
        owner = child.stdout.readline().decode().strip()
        assert owner != current_owner()
        assert not is_dead(owner)
        assert not is_dead(current_owner())
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(owner)  # though its number is not free before its parent asks how it ended
    assert is_dead(owner)
    assert describe(owner).startswith(f"process {child.pid} on ")


def test_who_cannot_be_seen_from_here_is_not_dead() -> None:
    host, pid, start = current_owner().rsplit(":", 2)
    ticks, place = start.split("@")
    assert not is_dead(f"other-{host}:999999:{start}")
    assert not is_dead(f"{host}:999999:{ticks}@otherboot-1")
    assert not is_dead(f"{host}:999999:{ticks}")
    assert is_dead(f"{host}:{pid}:{int(ticks) - 1}@{place}")


def test_runs_of_dead_processes_are_closed_by_the_next_one(state: State, dead: str) -> None:
    left = state.runs.begin(RunKind.FULL, "test", dead, NOW)
    shown = state.runs.get(left)
    assert shown is not None
    assert (shown.status, shown.ended) == (RunStatus.INTERRUPTED, None)
    assert "ended without a word" in shown.message
    elsewhere = state.runs.begin(RunKind.FULL, "test", OWNER, NOW)
    mine = state.runs.begin(RunKind.FULL, "test", current_owner(), NOW)
    closed = state.runs.get(left)
    assert closed is not None
    assert closed.status == RunStatus.INTERRUPTED
    assert "ended without a word" in closed.message
    assert closed.ended is not None
    for run in (elsewhere, mine):
        kept = state.runs.get(run)
        assert kept is not None
        assert kept.status == RunStatus.RUNNING
