"""A mapping that lets the keys at the target meet for the first time finds out who has which already."""

from __future__ import annotations

from pathlib import Path

import pytest

from by_hand import run_sql
from marea.config.load import load
from marea.engine.project import Project
from worlds import counts, synchronize, write_project

pytestmark = pytest.mark.integration

ACCOUNTS = """
  accounts:
    source: {{system: erp, table: accounts, key: [kind, code], where: "{where}"}}
    target: {{system: crm, object: accounts, key: code, create: true}}
    fields: {{code: {code}, name: name}}
"""


class Erp:
    """Suppliers (kind 0) and customers (kind 1), and whom the target shows under each code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("CREATE TABLE accounts (kind INTEGER, code TEXT, name TEXT, PRIMARY KEY (kind, code))")

    def run(self, text: str) -> list[tuple[object, ...]]:
        return run_sql(f"sqlite:///{self.folder / 'erp.db'}", text)

    def add(self, kind: int, *codes: str) -> None:
        for code in codes:
            self.run(f"INSERT INTO accounts VALUES ({kind}, '{code}', '{kind} {code}')")

    def mapped(self, where: str = "kind = 1", code: str = "code") -> Path:
        return write_project(self.folder, ACCOUNTS.format(where=where, code=code))

    def sync(self, page: int = 1, **mapping: str) -> dict[str, int]:
        return counts(synchronize(self.mapped(**mapping), page=page), "accounts")

    @property
    def delivered(self) -> dict[object, object]:
        return dict(run_sql(f"sqlite:///{self.folder / 'crm.db'}", "SELECT code, name FROM accounts"))

    @property
    def claims(self) -> dict[object, object]:
        found = run_sql(f"sqlite:///{self.folder / 'marea.db'}", "SELECT target_key, key FROM claim")
        return dict(found)


@pytest.fixture
def erp(tmp_path: Path) -> Erp:
    return Erp(tmp_path)


BOTH = "kind in (0, 1)"


@pytest.mark.parametrize("page", [1, 2, 100])
def test_a_wider_filter_takes_no_key_from_who_has_it(erp: Erp, page: int) -> None:
    erp.add(0, "A", "B", "C")
    erp.add(1, "B", "C", "D")
    assert erp.sync(page) == {"created": 3}
    assert erp.claims == {}
    assert erp.sync(page, where=BOTH) == {"unchanged": 3, "created": 1, "rejected": 2}
    assert erp.delivered == {"A": "0 A", "B": "1 B", "C": "1 C", "D": "1 D"}
    assert erp.claims == {'"A"': '[0,"A"]', '"B"': '[1,"B"]', '"C"': '[1,"C"]', '"D"': '[1,"D"]'}


def test_another_expression_of_the_key_takes_no_key_from_who_has_it(erp: Erp) -> None:
    erp.add(1, "A", "B", "C")
    erp.sync()
    assert erp.sync(code="\"CASE WHEN code = 'A' THEN 'C' ELSE code END\"") == {"unchanged": 2, "rejected": 1}
    assert erp.delivered == {"A": "1 A", "B": "1 B", "C": "1 C"}


def test_who_left_the_filter_leaves_the_key(erp: Erp) -> None:
    erp.add(0, "A")
    erp.add(1, "A")
    erp.sync()
    assert erp.sync(where="kind in (0, 2)") == {"created": 1}
    assert erp.delivered == {"A": "0 A"}


def test_a_plan_tells_it_and_writes_no_claim(erp: Erp) -> None:
    erp.add(0, "A", "B")
    erp.add(1, "B", "C")
    erp.sync()
    with Project(load(erp.mapped(where=BOTH))) as project:
        planned = {record.key: record.code for record in project.plan()["accounts"].records}
    assert planned == {'[0,"A"]': None, '[0,"B"]': "duplicate-key"}
    assert erp.claims == {}


def test_where_keys_are_kept_apart_again_records_still_leave_those_they_had(erp: Erp) -> None:
    erp.add(1, "B", "C")
    erp.sync(code="\"CASE WHEN code = 'C' THEN 'A' ELSE code END\"")
    assert erp.delivered == {"A": "1 C", "B": "1 B"}
    erp.add(1, "A")
    assert erp.sync() == {"created": 1, "updated": 1, "unchanged": 1}
    assert erp.delivered == {"A": "1 A", "B": "1 B", "C": "1 C"}
    assert erp.sync() == {"unchanged": 3}
    assert erp.claims == {}, "once all records follow the mapping that keeps them apart"


def test_of_two_that_had_a_key_one_after_the_other_the_later_has_it(erp: Erp) -> None:
    erp.add(0, "A")
    erp.add(1, "A")
    erp.sync(where="kind = 0")
    erp.sync(where="kind = 1")
    erp.sync(where=BOTH)
    assert erp.claims == {'"A"': '[1,"A"]'}
    assert erp.delivered == {"A": "1 A"}
