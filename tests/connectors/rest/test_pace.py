"""How fast a REST target is: as fast as concurrency and latency allow. Wants a machine to itself."""

from __future__ import annotations

from time import perf_counter

import pytest

from connectors.rest.tools import BATCH, Targets, accounts, batch, shape
from marea.demo.crm_process import CrmProcess

pytestmark = pytest.mark.soak

LATENCY = 0.02


def pace(crm: CrmProcess, targets: Targets, records: int, **options: object) -> float:
    """Records a second, connections made before."""
    target = targets.crm(crm.address, **options)
    target.deliver(shape(), batch(shape(), accounts(*(f"w{row}" for row in range(64)))))
    table = batch(shape(), accounts(*(f"{row:07d}" for row in range(records)), text="x" * 300))
    started = perf_counter()
    assert not target.deliver(shape(), table).rejected
    return records / (perf_counter() - started)


@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_latency_costs_nothing_more_than_itself(crm: CrmProcess, targets: Targets, concurrency: int) -> None:
    crm.ask("POST", "/admin/faults", {"latency": LATENCY})
    found = pace(crm, targets, 200 * concurrency, concurrency=concurrency)
    assert found >= 0.95 * concurrency / LATENCY


def test_thousands_of_records_a_second(crm: CrmProcess, targets: Targets) -> None:
    assert pace(crm, targets, 20_000, concurrency=16) >= 5_000


def test_batches_are_faster_still(crm: CrmProcess, targets: Targets) -> None:
    assert pace(crm, targets, 50_000, batch={**BATCH, "size": 500}) >= 15_000
