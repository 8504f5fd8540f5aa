from __future__ import annotations

import json
from pathlib import Path

import pytest

from by_hand import run_sql
from marea.config.load import load
from marea.model import Cause
from marea.store.state import open_state
from worlds import ENTITIES, World, counts

pytestmark = pytest.mark.integration

NAME = "      name: trim(name)\n"
CREDIT = "      credit: credit\n"
EMPTY = "      note: nullif(tax, '22')\n"
CHECKS = '    checks:\n      - {that: "credit >= 0", say: The credit is negative}\n'


@pytest.fixture
def small(tmp_path: Path) -> World:
    config = ENTITIES.replace(CHECKS, "")
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, config)
    made.fill(3)
    made.sync()
    return made


def edit(world: World, old: str, new: str) -> None:
    text = world.file.read_text()
    assert old in text
    world.file.write_text(text.replace(old, new))


def last_payload(world: World, key: str) -> dict[str, object]:
    state = open_state(load(world.file).state)
    try:
        found = state.ledger.record(state.entity("customers", "crm").id, key)
        return json.loads(found.payload)
    finally:
        state.close()


def test_fields_in_another_order_resend_nothing_and_the_next_edit_is_told_as_it_is(small: World) -> None:
    edit(small, NAME, "")
    edit(small, CREDIT, CREDIT + NAME)
    run = small.sync()
    assert counts(run) == {"unchanged": 3}
    assert run.entities["customers"].skipped == {"same content, other mapping": 3}
    assert list(last_payload(small, '[1,"00001"]')) == [
        "code",
        "category",
        "tax",
        "credit",
        "name",
        "branches",
    ]
    small.change("customers", "name = 'x,y', credit = 7", "code = '00001'")
    (entry,) = small.log(run=small.sync().id, entity="customers")
    assert set(entry.changes) == {"name", "credit"}
    assert entry.changes["name"] == ("Name 00001", "x,y")
    small.change("customers", "name = 'z'", "code = '00001'")
    (entry,) = small.log(run=small.sync().id, entity="customers")
    assert dict(entry.changes) == {"name": ("x,y", "z")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (NAME, "      name: rtrim(ltrim(name))\n"),
        (CREDIT, "      credit: coalesce(credit, 0)\n"),
        ("      where: kind = 1\n", "      where: kind = 1 AND code >= ''\n"),
        ("    require: [name]\n", "    require: [name, code]\n"),
    ],
)
def test_another_expression_with_the_same_results_resends_nothing(small: World, old: str, new: str) -> None:
    """All records are looked at, and none is equal by chance alone: one that changed meanwhile is sent."""
    small.change("customers", "name = 'Meanwhile'", "code = '00001'")
    edit(small, old, new)
    run = small.sync()
    assert counts(run) == {"updated": 1, "unchanged": 2}
    assert [dict(entry.changes) for entry in small.log(run=run.id)] == [{"name": ("Name 00001", "Meanwhile")}]


def test_an_empty_field_for_another_field_is_told_as_it_is(small: World) -> None:
    """As many fields as before, others: places say nothing of names."""
    small.crm("ALTER TABLE accounts ADD COLUMN note varchar(20)")
    edit(small, CREDIT, "")
    edit(small, NAME, EMPTY + NAME)
    result = small.sync()
    assert counts(result) == {"updated": 3}
    assert [dict(entry.changes) for entry in small.log(run=result.id)] == [{"note": (None, None)}] * 3
    small.change("customers", "name = 'x'", "code = '00001'")
    (entry,) = small.log(run=small.sync().id)
    assert dict(entry.changes) == {"name": ("Name 00001", "x")}


def test_a_new_date_alone_writes_no_payload(small: World) -> None:
    before = payloads(small)
    small.change("customers", "credit = credit", "1 = 1")
    assert counts(small.sync("customers")) == {"unchanged": 3}
    assert payloads(small) == before


def payloads(world: World) -> int:
    ((number,),) = run_sql(load(world.file).state, "SELECT count(*) FROM payload")
    return int(str(number))


def test_a_field_that_comes_back_is_sent_even_where_it_is_empty_now(small: World) -> None:
    edit(small, CREDIT, "")
    assert counts(small.sync()) == {"unchanged": 3}
    small.change("customers", "credit = NULL", "code = '00001'")
    assert counts(small.sync()) == {"unchanged": 1}
    edit(small, NAME, NAME + CREDIT)
    result = small.sync()
    assert counts(result) == {"updated": 3}
    assert {entry.cause for entry in small.log(run=result.id)} == {Cause.MAPPING}
    assert small.crm("SELECT credit FROM accounts WHERE code = '00001'") == [(None,)]
    assert counts(small.sync(full=True)) == {"unchanged": 3}


def test_a_new_field_that_is_empty_clears_what_stood_there_from_elsewhere(small: World) -> None:
    small.crm("ALTER TABLE accounts ADD COLUMN note varchar(20)")
    small.crm("UPDATE accounts SET note = 'theirs'")
    edit(small, NAME, NAME + EMPTY)
    assert counts(small.sync()) == {"updated": 3}
    assert small.crm("SELECT DISTINCT note FROM accounts") == [(None,)]
