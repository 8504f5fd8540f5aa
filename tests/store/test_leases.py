from __future__ import annotations

import threading

import pytest

from marea.errors import EntityBusy, RunStopped
from marea.model import RunKind, RunStatus
from marea.store.owner import current_owner
from marea.store.state import State, open_state
from store.desk import NOW

pytestmark = pytest.mark.unit

SECOND = 1_000_000
A, B = "host-a:1:1", "host-b:2:2"


@pytest.fixture
def entity(state: State) -> int:
    return state.entity("customers", "crm").id


def test_two_owners_never_hold_one_entity(state: State, entity: int) -> None:
    state.leases.acquire(entity, A, NOW, 60)
    with pytest.raises(EntityBusy) as caught:
        state.leases.acquire(entity, B, NOW + 59 * SECOND, 60)
    assert caught.value.where == "customers"
    assert "process 1 on host-a" in str(caught.value)
    assert "has been running it for 59 s" in str(caught.value)


def test_a_long_run_is_told_in_minutes(state: State, entity: int) -> None:
    state.leases.acquire(entity, A, NOW, 3600)
    with pytest.raises(EntityBusy, match="for 30 minutes"):
        state.leases.acquire(entity, B, NOW + 30 * 60 * SECOND + 1, 60)


def test_one_process_does_not_run_an_entity_twice_either(state: State, entity: int) -> None:
    state.leases.acquire(entity, current_owner(), NOW, 60)
    with pytest.raises(EntityBusy):
        state.leases.acquire(entity, current_owner(), NOW, 60)


def test_a_released_entity_is_free_at_once(state: State, entity: int) -> None:
    first = state.leases.acquire(entity, A, NOW, 60)
    state.leases.release(entity, first)
    state.leases.release(entity, first)
    assert state.leases.acquire(entity, B, NOW, 60) > first


def test_other_entities_are_free(state: State, entity: int) -> None:
    state.leases.acquire(entity, A, NOW, 60)
    state.leases.acquire(state.entity("items", "crm").id, B, NOW, 60)


def test_an_expired_lease_passes_on_and_its_owner_finds_out(state: State, entity: int) -> None:
    first = state.leases.acquire(entity, A, NOW, 60)
    run = state.runs.begin(RunKind.FULL, "test", A, NOW)
    second = state.leases.acquire(entity, B, NOW + 60 * SECOND, 60)
    assert second > first
    with pytest.raises(RunStopped) as caught:
        state.leases.renew(entity, first, NOW, 60)
    assert caught.value.code == "lease-lost"
    state.leases.release(entity, first)  # must not free what is another's now
    with pytest.raises(EntityBusy):
        state.leases.acquire(entity, A, NOW + 61 * SECOND, 60)
    left = state.runs.get(run)
    assert left is not None
    assert left.status == RunStatus.INTERRUPTED


def test_a_renewed_lease_lasts_longer(state: State, entity: int) -> None:
    fence = state.leases.acquire(entity, A, NOW, 60)
    state.leases.renew(entity, fence, NOW + 50 * SECOND, 60)
    with pytest.raises(EntityBusy):
        state.leases.acquire(entity, B, NOW + 100 * SECOND, 60)
    assert state.leases.acquire(entity, B, NOW + 110 * SECOND, 60)


def test_a_lease_of_a_dead_process_passes_on_at_once(state: State, entity: int, dead: str) -> None:
    first = state.leases.acquire(entity, dead, NOW, 3600)
    assert state.leases.acquire(entity, A, NOW + 1, 60) > first


def test_of_many_who_want_it_at_once_one_gets_it(url: str) -> None:
    state = open_state(url)
    entity = state.entity("customers", "crm").id
    got: list[int] = []
    busy: list[str] = []
    start = threading.Barrier(6)

    def try_it(number: int) -> None:
        own = open_state(url)
        start.wait()
        try:
            got.append(own.leases.acquire(entity, f"host:{number}:1", NOW, 60))
        except EntityBusy as error:
            busy.append(str(error))
        finally:
            own.close()

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state.close()
    assert (len(got), len(busy)) == (1, 5)
