"""Records that are put and deleted by their key, over real HTTP against the demo CRM."""

from __future__ import annotations

import pytest

from connectors.rest.tools import Targets, accounts, batch, ids, shape
from marea.demo.crm_process import CrmProcess
from marea.model import Operation

pytestmark = pytest.mark.integration


def test_creates_updates_and_deletes(crm: CrmProcess, targets: Targets) -> None:
    target = targets.crm(crm.address)
    target.prepare(shape())
    receipt = target.deliver(shape(), batch(shape(), accounts("a", "b", "c")))
    assert ids(receipt) == ["a", "b", "c"]
    assert receipt.durations is not None
    assert receipt.durations.null_count == 0
    target.deliver(shape(), batch(shape(), accounts("b", vat_number="12345678901"), Operation.UPDATE, ["b"]))
    target.deliver(shape(), batch(shape(), [{"code": None}], Operation.DELETE, ["c"]))
    assert crm.records("accounts") == [*accounts("a"), *accounts("b", vat_number="12345678901")]
    assert crm.ask("GET", "/admin/calls")["records"] == {
        "accounts": {"created": 3, "updated": 1, "deleted": 1}
    }
