"""Two records of the source with one key at the target: one has it, the other is told whose it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from by_hand import run_sql
from marea.config.load import load
from marea.engine.project import Project
from marea.model import Cause, Outcome, RunStatus
from marea.store.state import open_state
from worlds import counts, journal, synchronize, write_project

pytestmark = pytest.mark.integration

ENTITIES = """
  clients:
    source: {system: erp, table: clients, key: id, modified: modified}
    target: {system: crm, object: clients, key: vat, create: true}
    fields: {vat: vat, name: name}
    require: [name]
"""


class Erp:
    """A table of clients that are known to the target by their VAT number."""

    def __init__(self, folder: Path, entities: str = ENTITIES) -> None:
        self.source, self.target = f"sqlite:///{folder / 'erp.db'}", f"sqlite:///{folder / 'crm.db'}"
        self.file = write_project(folder, entities)
        self.seconds = 0
        self.run("CREATE TABLE clients (id INTEGER PRIMARY KEY, vat TEXT, name TEXT, modified DATETIME)")

    def run(self, text: str) -> list[tuple[object, ...]]:
        return run_sql(self.source, text)

    def add(self, number: int, vat: str | None, name: str) -> None:
        self.run(f"INSERT INTO clients VALUES ({number}, {_text(vat)}, {_text(name)}, '2020-01-01 00:00:00')")

    def change(self, number: int, **values: str) -> None:
        self.seconds += 1
        parts = ", ".join(f"{name} = {_text(value)}" for name, value in values.items())
        stamp = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour', '+{self.seconds} seconds')"
        self.run(f"UPDATE clients SET {parts}, modified = {stamp} WHERE id = {number}")

    def sync(self, **options: object) -> dict[str, int]:
        result = synchronize(self.file, **options)
        assert result.status in (RunStatus.SUCCEEDED, RunStatus.PARTIAL)
        return counts(result, "clients")

    @property
    def delivered(self) -> dict[object, object]:
        return dict(run_sql(self.target, "SELECT vat, name FROM clients"))

    @property
    def claims(self) -> dict[object, object]:
        return dict(
            run_sql(f"sqlite:///{self.file.parent / 'marea.db'}", "SELECT target_key, key FROM claim")
        )

    def trouble(self, number: int):
        state = open_state(load(self.file).state)
        try:
            record = state.ledger.record(state.entity("clients", "crm").id, str(number))
            return record.trouble if record else None
        finally:
            state.close()


def _text(value: str | None) -> str:
    return "NULL" if value is None else f"'{value}'"


@pytest.fixture
def erp(tmp_path: Path) -> Erp:
    return Erp(tmp_path)


@pytest.mark.parametrize("rows", [1, 100], ids=["across batches", "in one batch"])
def test_the_second_of_two_is_rejected_and_names_the_first(erp: Erp, rows: int) -> None:
    for number in range(1, 8):
        erp.add(number, f"IT{number % 5}", f"Client {number}")
    assert erp.sync(page=rows) == {"created": 5, "rejected": 2}
    assert erp.delivered == {f"IT{number % 5}": f"Client {number}" for number in range(1, 6)}
    trouble = erp.trouble(6)
    assert (trouble.code, trouble.error) == (
        "duplicate-key",
        'clients 1 has the same key at the target: vat "IT1"',
    )
    assert trouble.next_attempt is not None
    assert erp.sync() == {}
    assert erp.sync(full=True) == {"unchanged": 5, "rejected": 2}
    assert erp.delivered["IT1"] == "Client 1"


def test_a_later_record_does_not_take_the_key_of_one_that_has_it(erp: Erp) -> None:
    erp.add(5, "IT1", "First")
    erp.sync()
    erp.add(1, "IT1", "Second")
    erp.change(1, name="Second")
    assert erp.sync() == {"rejected": 1}
    assert erp.delivered == {"IT1": "First"}
    assert "clients 5 has the same key" in str(erp.trouble(1).error)


def test_it_is_delivered_by_the_run_that_frees_the_key(erp: Erp) -> None:
    erp.add(1, "IT1", "First")
    erp.add(2, "IT1", "Second")
    erp.sync()
    erp.change(1, vat="IT9")
    assert erp.sync() == {"updated": 1, "created": 1}
    assert erp.delivered == {"IT9": "First", "IT1": "Second"}
    assert erp.trouble(2) is None
    assert erp.claims == {'"IT9"': "1", '"IT1"': "2"}
    assert journal(erp.file, outcome=Outcome.CREATED)[-1].cause is Cause.RETRY
    assert erp.sync() == {}


def test_a_chain_of_new_keys_settles_in_one_run(erp: Erp) -> None:
    for number in range(1, 6):
        erp.add(number, f"IT{number}", f"Client {number}")
    erp.sync()
    for number in range(1, 6):
        erp.change(number, vat=f"IT{number + 1}")
    erp.sync()
    assert erp.delivered == {f"IT{number + 1}": f"Client {number}" for number in range(1, 6)}


def test_two_that_exchange_their_keys_overwrite_nothing(erp: Erp) -> None:
    erp.add(1, "IT1", "First")
    erp.add(2, "IT2", "Second")
    erp.sync()
    erp.change(1, vat="IT2")
    erp.change(2, vat="IT1")
    assert erp.sync() == {"rejected": 2}
    assert erp.delivered == {"IT1": "First", "IT2": "Second"}
    for number in (1, 2):
        assert "give one a third key, run `marea sync`, and then give it its own" in erp.trouble(number).hint
    erp.change(1, vat="IT3")
    assert erp.sync() == {"updated": 2}
    erp.change(1, vat="IT2")
    assert erp.sync() == {"updated": 1}
    assert erp.delivered == {"IT2": "First", "IT1": "Second"}


def test_a_record_that_left_the_source_leaves_its_key(erp: Erp) -> None:
    erp.add(1, "IT1", "First")
    erp.add(2, "IT1", "Second")
    erp.sync()
    erp.run("DELETE FROM clients WHERE id = 1")
    assert erp.sync(keys=("2",)) == {"created": 1}
    assert erp.delivered == {"IT1": "Second"}
    assert erp.claims == {'"IT1"': "2"}
    erp.add(1, "IT1", "Back")
    assert erp.sync(keys=("1",)) == {"rejected": 1}
    assert "clients 2 has" in str(erp.trouble(1).error)


def test_a_record_that_moves_takes_the_key_of_one_that_left_the_source(erp: Erp) -> None:
    erp.add(1, "IT1", "First")
    erp.add(2, "IT2", "Second")
    erp.sync()
    erp.run("DELETE FROM clients WHERE id = 1")
    erp.change(2, vat="IT1")
    assert erp.sync() == {"updated": 1}
    assert erp.delivered == {"IT1": "Second"}
    assert erp.claims == {'"IT1"': "2"}
    erp.add(1, "IT2", "Back")
    assert erp.sync(keys=("1",)) == {"created": 1}
    assert erp.delivered == {"IT1": "Second", "IT2": "Back"}


def test_an_old_state_finds_the_keys_moved_and_taken_by_others(erp: Erp) -> None:
    for number in range(1, 5):
        erp.add(number, f"IT{number}", f"Client {number}")
    erp.sync()
    state = erp.file.parent / "marea.db"
    with closing(sqlite3.connect(state)) as now, closing(sqlite3.connect(state.with_suffix(".old"))) as old:
        now.backup(old)
    for number, vat in ((1, "K1"), (2, "K2"), (4, "IT2")):  # the first leaves IT1, the last follows into IT2
        erp.change(number, vat=vat)
        assert erp.sync() == {"updated": 1}
    erp.add(5, "IT1", "Client 5")
    erp.change(5, name="Client 5")
    assert erp.sync() == {"created": 1}
    with closing(sqlite3.connect(state)) as now, closing(sqlite3.connect(state.with_suffix(".old"))) as old:
        old.backup(now)
    assert erp.sync() == {"updated": 3, "created": 1}
    vats = {"K1": 1, "K2": 2, "IT3": 3, "IT2": 4, "IT1": 5}
    assert erp.delivered == {vat: f"Client {number}" for vat, number in vats.items()}
    assert erp.sync(full=True) == {"unchanged": 5}


def test_a_record_that_is_refused_claims_nothing(erp: Erp) -> None:
    erp.add(1, "IT1", "")
    erp.add(2, "IT1", "Second")
    assert erp.sync() == {"created": 1, "rejected": 1}
    assert erp.delivered == {"IT1": "Second"}
    erp.change(1, name="First")
    assert erp.sync() == {"rejected": 1}
    assert erp.delivered == {"IT1": "Second"}


def test_records_without_a_key_do_not_contend(erp: Erp) -> None:
    erp.add(1, None, "First")
    erp.add(2, None, "Second")
    assert erp.sync() == {"rejected": 2}
    assert erp.trouble(2).code == "key"
    assert erp.claims == {}


def test_a_plan_says_of_a_record_without_a_key_what_the_run_says(erp: Erp) -> None:
    erp.add(1, None, "First")
    with Project(load(erp.file)) as project:
        [planned] = project.plan()["clients"].records
    erp.sync()
    trouble = erp.trouble(1)
    assert (planned.outcome, planned.code, planned.error) == (Outcome.REJECTED, trouble.code, trouble.error)
    assert trouble.error == "the key field vat is empty"
    assert trouble.next_attempt is None


def test_a_private_key_is_not_shown(tmp_path: Path) -> None:
    erp = Erp(tmp_path, ENTITIES + "    private: [vat]\n")
    erp.add(1, "SECRET", "First")
    erp.add(2, "SECRET", "Second")
    erp.sync()
    assert erp.trouble(2).error == "clients 1 has the same key at the target: vat"


def test_a_key_changed_in_the_configuration_is_claimed_by_all(tmp_path: Path) -> None:
    erp = Erp(tmp_path, ENTITIES.replace("vat: vat, ", "vat: vat, id: id, ").replace("key: vat", "key: id"))
    erp.add(1, "IT1", "First")
    erp.add(2, "IT2", "Second")
    erp.sync()
    assert erp.claims == {}
    erp.file.write_text(erp.file.read_text().replace("object: clients, key: id", "object: clients, key: vat"))
    assert erp.sync(resend=True) == {"created": 2}  # it begins anew there
    assert erp.claims == {'"IT1"': "1", '"IT2"': "2"}


def test_a_plan_and_an_explanation_tell_it(erp: Erp) -> None:
    erp.add(1, "IT1", "First")
    erp.add(2, "IT1", "Second")
    with Project(load(erp.file)) as project:
        found = project.plan()["clients"]
        assert {record.key: record.code for record in found.records} == {"1": None, "2": "duplicate-key"}
    erp.sync()
    with Project(load(erp.file)) as project:
        verdict = project.explain("clients", 2).verdict
    assert verdict.text == 'clients 2 is rejected: clients 1 has the same key at the target: vat "IT1"'
    assert "another key" in verdict.steps[0]
