"""A lease is kept alive through what passes, and given up only when another run has it."""

from __future__ import annotations

import threading
from pathlib import Path

import apsw
import pytest

from marea.engine.run import heartbeat
from marea.engine.run.heartbeat import Heartbeat
from marea.stop import Stop
from marea.store import sqlite
from marea.store.state import State, open_state

pytestmark = pytest.mark.unit

OWNER = "nowhere:1:1"


class Beats:
    """A clock that is asked with each beat, and lets a test wait for some of them."""

    def __init__(self) -> None:
        self.now = 0
        self._asked = threading.Condition()

    def __call__(self) -> int:
        with self._asked:
            self.now += 1
            self._asked.notify_all()
            return self.now

    def wait(self, more: int) -> None:
        """Returns once so many more have begun."""
        with self._asked:
            until = self.now + more
            assert self._asked.wait_for(lambda: self.now >= until, 30)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(sqlite, "LOCK_MS", 1)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)
    return open_state(f"sqlite:///{tmp_path}/state.db")


def expires(state: State, entity: int) -> int:
    return int(state._database.rows("lease", entity=entity)[0][3])


def test_a_state_that_is_locked_for_a_while_costs_no_lease(state: State, tmp_path: Path) -> None:
    entity, beats = state.entity("customers", "crm").id, Beats()
    other = apsw.Connection(str(tmp_path / "state.db"))
    with Heartbeat(state.leases, entity, OWNER, beats, Stop()):
        other.execute("BEGIN IMMEDIATE")
        beats.wait(2)
        before = expires(state, entity)
        beats.wait(3)
        assert expires(state, entity) == before
        other.execute("COMMIT")
        beats.wait(3)
        assert expires(state, entity) > before


def test_a_lost_lease_ends_it(state: State) -> None:
    entity, beats = state.entity("customers", "crm").id, Beats()
    held = Heartbeat(state.leases, entity, OWNER, beats, Stop())
    with held:
        beats.wait(2)
        state.leases.release(entity, held.fence)
        held._thread.join(30)
        assert not held._thread.is_alive()
