"""A process that is killed between any two instructions leaves commits that are whole or absent."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from marea.model import Outcome, RunKind, RunStatus
from marea.store.journal import EntryFilter
from marea.store.owner import current_owner
from marea.store.state import State, open_state
from store.desk import NOW

pytestmark = pytest.mark.crash

SIZE = 50
WRITER = Path(__file__).with_name("writer.py")


@pytest.mark.parametrize("commits", [1, 2, 5, 9, 17, 40])
def test_h33_a_kill_leaves_position_ledger_and_journal_in_agreement(url: str, commits: int) -> None:
    open_state(url).close()
    _write_until_killed(url, commits)
    state = open_state(url)
    entity = state.entity("customers", "crm")
    done = int(entity.positions["watermark"])
    assert done >= commits
    _check_agreement(state, entity.id, done)

    # The next run takes over at once and goes on where that one stopped.
    run = state.runs.begin(RunKind.INCREMENTAL, "test", current_owner(), NOW)
    state.leases.acquire(entity.id, current_owner(), NOW, 60)
    killed = state.runs.get(run - 1)
    assert killed is not None
    assert killed.status == RunStatus.INTERRUPTED
    state.close()


def _write_until_killed(url: str, commits: int) -> None:
    """Starts the writer and kills it after so many commits, in whatever it does then."""
    arguments = [sys.executable, str(WRITER), url, str(SIZE)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        assert child.stdout
        for _ in range(commits):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)


def _check_agreement(state: State, entity: int, done: int) -> None:
    keys = [str(number) for number in range(done * SIZE)]
    known = state.ledger.look_up(entity, pa.array(keys))
    assert known["state"].to_pylist() == ["aligned"] * len(keys)
    assert state.ledger.payloads(known["payload"].combine_chunks()).to_pylist() == [
        f'{{"n":{key}}}' for key in keys
    ]
    assert sum(state.ledger.count(entity)[0].values()) == len(keys)
    entries = list(state.journal.entries(EntryFilter(), newest_first=False))
    assert [entry.key for entry in entries] == [int(key) for key in keys]
    assert all(entry.changes == {"n": (None, entry.key)} for entry in entries)
    assert state.runs.books(1, entity).counts[Outcome.CREATED] == len(keys)
