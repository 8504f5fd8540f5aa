"""A value that its column cannot hold rejects its record, wherever it stands, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from marea.model import RunStatus
from worlds import World, counts

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> World:
    """SQLite keeps any value in any column."""
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path)
    made.fill()
    return made


def test_the_other_records_are_delivered_and_this_one_when_it_is_mended(world: World) -> None:
    world.erp("UPDATE customers SET credit = 'abc' WHERE code = '00003'")
    run = world.sync()
    assert run.status is RunStatus.PARTIAL
    assert counts(run) == {"created": 39, "rejected": 1}
    (entry,) = [entry for entry in world.log() if entry.code]
    assert (entry.key, entry.code) == ([1, "00003"], "unreadable")
    assert entry.error is not None
    assert "column \"credit\" (decimal(12,2)) holds 'abc'" in entry.error
    world.change("customers", "credit = 7", "code = '00003'")
    assert counts(world.sync()) == {"created": 1}
    assert world.crm("SELECT count(*) FROM accounts") == [(40,)]


def test_a_delivered_record_is_not_updated_with_null(world: World) -> None:
    world.sync()
    world.change("customers", "credit = 'abc'", "code = '00003'")
    assert counts(world.sync()) == {"rejected": 1}
    ((credit,),) = world.crm("SELECT credit FROM accounts WHERE code = '00003'")
    assert float(str(credit)) == 100.5


def test_values_of_related_tables_are_told_with_their_place(world: World) -> None:
    world.erp("UPDATE branches SET city = x'00ff' WHERE customer = '00008' AND branch = 'B2'")
    run = world.sync()
    assert counts(run) == {"created": 39, "rejected": 1}
    (entry,) = [entry for entry in world.log() if entry.code]
    assert entry.key == [1, "00008"]
    assert entry.error is not None
    assert entry.error.startswith('column "branches.city" (varchar(40)) holds')


def test_what_a_private_field_is_made_of_is_not_shown(world: World) -> None:
    text = world.file.read_text()
    world.file.write_text(text.replace("    require: [name]", "    private: [credit]\n    require: [name]"))
    world.erp("UPDATE customers SET credit = 'secret' WHERE code = '00003'")
    world.sync()
    (entry,) = [entry for entry in world.log() if entry.code]
    assert entry.error is not None
    assert "secret" not in entry.error
    assert "(private)" in entry.error


def test_a_row_whose_key_cannot_be_read_is_left_out_and_told(world: World) -> None:
    world.erp("INSERT INTO customers VALUES (1, x'01', 'Nameless', '22', 1, '2020-01-01 00:00:00')")
    run = world.sync()
    assert (run.status, counts(run)) == (RunStatus.PARTIAL, {"created": 40})
    (said,) = run.entities["customers"].on_left_out("customers")
    assert said.startswith("customers: 1 row has no key")


def test_bytes_that_are_no_text_reject_their_record_alone(world: World) -> None:
    world.erp("UPDATE customers SET name = CAST(x'4dfc6c6c6572' AS TEXT) WHERE code IN ('00003', '00020')")
    world.erp("UPDATE branches SET city = CAST(x'ff' AS TEXT) WHERE customer = '00008' AND branch = 'B2'")
    run = world.sync(page=7)
    assert (run.status, counts(run)) == (RunStatus.PARTIAL, {"created": 37, "rejected": 3})
    told = {str(entry.key): str(entry.error) for entry in world.log() if entry.code == "unreadable"}
    assert "column \"name\" (varchar(80)) holds b'M\\xfcller'" in told["[1, '00003']"]
    assert "column \"branches.city\" (varchar(40)) holds b'\\xff'" in told["[1, '00008']"]
    world.change("customers", "name = 'Müller'", "code = '00003'")
    assert counts(world.sync()) == {"created": 1}
    assert world.crm("SELECT name FROM accounts WHERE code = '00003'") == [("Müller",)]


def test_a_row_whose_key_is_no_text_is_left_out_and_told(world: World) -> None:
    world.erp("INSERT INTO customers VALUES (1, CAST(x'ff' AS TEXT), 'X', '22', 1, '2020-01-01 00:00:00')")
    run = world.sync()
    assert (run.status, counts(run)) == (RunStatus.PARTIAL, {"created": 40})
    (said,) = run.entities["customers"].on_left_out("customers")
    assert said.startswith("customers: 1 row has no key")
