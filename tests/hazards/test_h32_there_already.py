"""A record is in the target before the first run; somebody removes or edits one there."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from worlds import counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

TABLE = (
    "CREATE TABLE accounts (code varchar(12) PRIMARY KEY, name text, category text, tax text, "
    "credit decimal(12,2), branches text, theirs integer DEFAULT 7)"
)


def test_h32_a_record_that_is_there_is_adopted_and_keeps_what_is_not_ours(make_world: MakeWorld) -> None:
    world = make_world()
    world.crm(TABLE)
    world.crm(
        "INSERT INTO accounts (code, name, theirs) VALUES ('00001', 'by hand', 42), ('zz', 'not ours', 1)"
    )
    assert counts(world.sync()) == {"created": 12}
    assert world.crm("SELECT name, theirs FROM accounts WHERE code IN ('00001', 'zz') ORDER BY code") == [
        ("Name 00001", 42), ("not ours", 1),
    ]  # fmt: skip


def test_h31_a_record_removed_or_edited_in_the_target_is_put_right_on_request(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.crm("DELETE FROM accounts WHERE code = '00001'")
    world.crm("UPDATE accounts SET name = 'by hand' WHERE code = '00002'")
    world.change("customers", "credit = 7", "code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    assert world.crm("SELECT count(*) FROM accounts") == [(12,)]
    assert counts(world.sync("customers", full=True, resend=True)) == {"updated": 12}
    assert world.crm("SELECT name FROM accounts WHERE code = '00002'") == [("Name 00002",)]
