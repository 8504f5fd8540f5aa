"""A run that was halted longer than its lease, and wakes while it delivers, is corrected by the next run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from marea.connectors.relational import RelationalTarget
from marea.engine.run.heartbeat import LEASE_SECONDS
from marea.errors import RunStopped, SystemUnreachable
from marea.model import RunStatus
from marea.store.leases import Leases
from marea.store.runs import Runs
from marea.store.state import State
from worlds import World, counts

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Receipt, Shape

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path)
    apsw.Connection(str(tmp_path / "erp.db")).pragma("journal_mode", "wal")  # written to while it is read
    made.fill(3)
    made.sync()
    return made


def name(world: World) -> object:
    return world.crm("SELECT name FROM accounts WHERE code = '00001'")[0][0]


def rename(world: World, new: str) -> None:
    world.change("customers", f"name = '{new}'", "code = '00001'")


def halted(world: World, monkeypatch: pytest.MonkeyPatch, ends: Callable[[], None]) -> None:
    """A run halts inside its delivery of 'Old'; another delivers 'New'; it wakes, delivers, and `ends`."""
    real, first = RelationalTarget.deliver, [True]

    def deliver(self: RelationalTarget, shape: Shape, batch: pa.Table) -> Receipt:
        if not first[0]:
            return real(self, shape, batch)
        first[0] = False
        world.clock_skew += int(LEASE_SECONDS) + 10
        rename(world, "New")
        assert world.sync().status is RunStatus.SUCCEEDED
        assert name(world) == "New"
        receipt = real(self, shape, batch)
        ends()
        return receipt

    rename(world, "Old")
    with monkeypatch.context() as patched:
        patched.setattr(RelationalTarget, "deliver", deliver)
        with pytest.raises((RunStopped, KeyboardInterrupt)):
            world.sync()
    assert name(world) == "Old"


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("ends", [interrupt, lambda: None], ids=["interrupted", "lease-lost"])
def test_what_it_overwrote_is_delivered_again(
    world: World, monkeypatch: pytest.MonkeyPatch, ends: Callable[[], None]
) -> None:
    halted(world, monkeypatch, ends)
    assert counts(world.sync())["updated"] == 1
    assert name(world) == "New"
    assert "updated" not in counts(world.sync())


def test_a_run_that_wakes_before_its_delivery_begins_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, first = State.intend, [True]

    def intend(self: State, *words: object) -> None:
        real(self, *words)  # type: ignore[arg-type]
        if first[0]:
            first[0] = False
            world.clock_skew += int(LEASE_SECONDS) + 10
            rename(world, "New")
            world.sync()

    rename(world, "Old")
    with monkeypatch.context() as patched:
        patched.setattr(State, "intend", intend)
        with pytest.raises(RunStopped, match="lost its lease"):
            world.sync()
    assert name(world) == "New"
    assert "updated" not in counts(world.sync())


def test_a_state_that_goes_away_hides_no_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise SystemUnreachable("state", "it is gone")

    def broken(*_: object) -> None:
        raise RunStopped("the real error")

    rename(world, "Old")
    monkeypatch.setattr(State, "commit", broken)
    monkeypatch.setattr(Leases, "release", away)
    monkeypatch.setattr(Runs, "finish", away)
    with pytest.raises(RunStopped, match="the real error"):
        world.sync()
