"""A child arrives before its parent, or while that is rejected; failures outlive successes and mappings."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.model import Outcome
from worlds import counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

MONTH = 31 * 86_400


def test_h28_a_child_waits_while_its_parent_is_rejected(make_world: MakeWorld) -> None:
    world = make_world()
    text = world.file.read_text()
    world.file.write_text(text + '    checks: [{that: "rate < 100", say: The rate is too high}]\n')
    world.erp("INSERT INTO tax_codes VALUES ('99', 120, '2020-01-01 00:00:00')")
    world.erp("UPDATE customers SET tax = '99' WHERE code IN ('00001', '00002')")
    first = world.sync()
    assert (counts(first), counts(first, "tax_codes")) == (
        {"created": 10, "waiting": 2}, {"created": 2, "rejected": 1},
    )  # fmt: skip
    world.change("tax_codes", "rate = 12", "code = '99'")
    second = world.sync()
    assert counts(second, "tax_codes") == {"created": 1}
    assert counts(second) == {"created": 2}


def test_h29_an_old_failure_does_not_come_back_over_a_newer_success(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.change("customers", "name = 'Old', credit = -1", "code = '00001'")
    assert counts(world.sync()) == {"rejected": 1}
    world.change("customers", "name = 'New', credit = 1", "code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    world.clock_skew = MONTH
    assert counts(world.sync()).keys() <= {"unchanged"}
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("New",)]
    assert [entry.outcome for entry in world.log() if entry.key == [1, "00001"]][-1] is Outcome.UPDATED


def test_h30_a_failure_is_retried_with_the_mapping_of_today(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.change("customers", "credit = -1", "code IN ('00001', '00002')")
    assert counts(world.sync()) == {"rejected": 2}
    text = world.file.read_text()
    world.file.write_text(text.replace("credit: credit", "credit: abs(credit)"))
    assert counts(world.sync())["updated"] == 2
    assert world.crm("SELECT count(*) FROM accounts WHERE credit = 1") == [(2,)]
    assert counts(world.sync()).keys() <= {"unchanged"}
