"""Only a child row changes, or only a looked-up row; one edit fans out to many records."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.model import Cause
from worlds import ENTITIES, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

TAXED = ENTITIES.replace(
    "        branches:\n",
    "        vat: {table: tax_codes, on: {code: tax}, modified: modified}\n        branches:\n",
).replace("      credit: credit\n", "      credit: credit\n      rate: vat.rate\n")


def test_h15_a_child_row_alone_brings_its_record_once(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.change("branches", "city = 'Roma'", "customer IN ('00000', '00004')")
    result = world.sync("customers")
    assert counts(result) == {"updated": 2}
    assert {entry.cause for entry in world.log(run=result.id)} == {Cause.RELATED}


def test_h15_children_inserted_in_single_commits_while_nobody_looked(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    now = {"sqlite": "CURRENT_TIMESTAMP", "postgresql": "clock_timestamp()", "mariadb": "now(6)"}[world.kind]
    for number in range(40):
        world.erp(f"INSERT INTO branches SELECT 1, '{number % 4:05d}', 'N{number}', 'Bari', {now}")
    assert counts(world.sync("customers")) == {"updated": 4}
    listed = world.crm("SELECT branches FROM accounts WHERE code = '00001'")
    assert str(listed).count("Bari") == 10


def test_h16_one_looked_up_row_fans_out_to_every_record_that_shows_it(make_world: MakeWorld) -> None:
    world = make_world(TAXED, customers=400)
    world.sync()
    world.change("tax_codes", "rate = 25", "code = '22'")
    result = world.sync("customers", page=150)
    assert counts(result) == {"updated": 400}
    assert {entry.cause for entry in world.log(run=result.id)} == {Cause.RELATED}
    assert world.crm("SELECT count(*) FROM accounts WHERE rate = 25") == [(400,)]
    assert counts(world.sync("customers")).keys() <= {"unchanged"}
