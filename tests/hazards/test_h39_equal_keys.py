"""A table of the target takes keys for equal that are not: none of their records overwrites another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from marea.model import Outcome, RunStatus
from worlds import copied, counts, journal, synchronize, write_project

pytestmark = [pytest.mark.integration, pytest.mark.hazard]

TABLES = {
    "sqlite": ("code TEXT COLLATE NOCASE PRIMARY KEY", ["ab", "AB", "b"]),
    "sqlite blanks": ("code TEXT COLLATE RTRIM PRIMARY KEY", ["ab", "ab ", "b"]),
    "sqlite unguarded": ("code TEXT COLLATE NOCASE", ["ab", "AB", "b"]),
    "mariadb": ("code VARCHAR(20) PRIMARY KEY", ["ab", "AB", "àb", "ab ", "b"]),
    "mariadb accents": ("code VARCHAR(20) COLLATE utf8mb4_uca1400_ai_ci PRIMARY KEY", ["ab", "àb", "b"]),
    "mariadb blanks": ("code VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY", ["ab", "ab ", "b"]),
    "mariadb unguarded": ("code VARCHAR(20), KEY (code)", ["ab", "AB", "b"]),
}
"""The key column of a table, and keys of which it takes all but the last for one."""


class Erp:
    def __init__(self, folder: Path, target: str, column: str) -> None:
        self.source, self.target = f"sqlite:///{folder / 'erp.db'}", target
        self.run("CREATE TABLE goods (code TEXT PRIMARY KEY, name TEXT, modified DATETIME)")
        name, _, rest = column.partition(", ")
        self.crm(f"CREATE TABLE goods ({name}, name VARCHAR(20){', ' if rest else ''}{rest})")
        self.file = write_project(folder, copied("goods", "code", "name", create=False), target=target)

    def run(self, text: str) -> list[tuple[Any, ...]]:
        return run_sql(self.source, text)

    def crm(self, text: str) -> list[tuple[Any, ...]]:
        return run_sql(self.target, text)

    def add(self, *codes: str) -> None:
        for code in codes:
            self.run(f"INSERT INTO goods VALUES ('{code}', 'name of {code}', '2020-01-01')")

    def change(self, code: str) -> None:
        self.run(f"UPDATE goods SET name = 'new', modified = '2021-01-01' WHERE code = '{code}'")

    def sync(self, page: int = 100, **options: Any) -> dict[str, int]:
        result = synchronize(self.file, page=page, **options)
        assert result.status in (RunStatus.SUCCEEDED, RunStatus.PARTIAL)
        return counts(result, "goods")

    @property
    def delivered(self) -> dict[str, str]:
        return dict(self.crm("SELECT code, name FROM goods"))


MakeErp = Callable[[str], Erp]


@pytest.fixture
def make_erp(request: pytest.FixtureRequest, tmp_path: Path) -> MakeErp:
    def make(case: str) -> Erp:
        near = f"sqlite:///{tmp_path / 'crm.db'}"
        target = near if case.startswith("sqlite") else request.getfixturevalue("mariadb_url")
        return Erp(tmp_path, target, TABLES[case][0])

    return make


@pytest.mark.parametrize("page", [1, 100], ids=["across batches", "in one batch"])
@pytest.mark.parametrize("case", TABLES)
def test_h39_what_is_counted_as_created_is_there(make_erp: MakeErp, case: str, page: int) -> None:
    erp, keys = make_erp(case), TABLES[case][1]
    erp.add(*keys)
    assert erp.sync(page) == {"created": 2, "rejected": len(keys) - 2}
    assert len(erp.delivered) == 2
    assert all(name == f"name of {code}" for code, name in erp.delivered.items())
    assert {entry.code for entry in journal(erp.file) if entry.outcome.value == "rejected"} == {"equal-key"}
    assert erp.sync(full=True) == {"unchanged": 2, "rejected": len(keys) - 2}
    assert len(erp.delivered) == 2


@pytest.mark.parametrize("case", ["sqlite", "mariadb"])
def test_h39_who_comes_later_does_not_overwrite_who_is_there(make_erp: MakeErp, case: str) -> None:
    erp = make_erp(case)
    erp.add("ab", "b")
    assert erp.sync() == {"created": 2}
    erp.add("AB")
    erp.change("AB")
    erp.change("b")
    assert erp.sync() == {"updated": 1, "rejected": 1}
    assert erp.delivered == {"ab": "name of ab", "b": "new"}
    erp.change("ab")
    erp.run("UPDATE goods SET modified = '2022-01-01' WHERE code = 'ab'")
    assert erp.sync(full=True) == {"updated": 1, "unchanged": 1, "rejected": 1}
    assert erp.delivered == {"ab": "new", "b": "new"}


@pytest.mark.parametrize("case", ["sqlite", "mariadb"])
def test_h39_a_key_that_changes_in_its_case_alone_is_renamed(make_erp: MakeErp, case: str) -> None:
    erp = make_erp(case)
    erp.run("CREATE TABLE numbered (id INTEGER PRIMARY KEY, code TEXT, name TEXT, modified DATETIME)")
    erp.run("INSERT INTO numbered VALUES (1, 'ab', 'x', '2020-01-01')")
    text = copied("goods", "code", "name", key="id", at_target="code", create=False)
    write_project(erp.file.parent, text.replace("table: goods", "table: numbered"), target=erp.target)
    assert erp.sync() == {"created": 1}
    erp.run("UPDATE numbered SET code = 'AB', modified = '2021-01-01'")
    assert erp.sync() == {"updated": 1}
    assert erp.delivered == {"AB": "x"}


@pytest.mark.parametrize("page", [1, 100])
def test_h39_an_application_whose_search_knows_no_case_keeps_both_records(
    tmp_path: Path, application: Application, page: int
) -> None:
    """What differs in case alone is no record's own: the second is refused, in one batch and in several."""
    own_ids = {"create": {"path": "/{object}"}, "update": {"path": "/{object}/{id}"}}
    own_ids["find"] = {"path": "/{object}?code={key}"}
    entities = copied("items", "code", "name", create=False)
    file = write_project(tmp_path, entities, target=application.address, concurrency=1, **own_ids)
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    run_sql(url, "CREATE TABLE items (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
    run_sql(url, "INSERT INTO items VALUES ('ABC', 'upper', '2020-01-01'), ('abc', 'lower', '2020-01-02')")
    held: list[dict[str, str]] = []

    def answer(call: Call) -> Reply:
        if call.method == "GET":
            key = call.query["code"].lower()
            return Reply(200, [{"id": n, **one} for n, one in enumerate(held) if one["code"].lower() == key])
        assert call.method == "POST", "nothing that is there is written over"
        held.append(call.value)
        return Reply(201, {"id": len(held) - 1})

    application.script = answer
    assert counts(synchronize(file, page=page), "items") == {"created": 1, "rejected": 1}
    (entry,) = journal(file, outcome=Outcome.REJECTED)
    assert (entry.code, len(held)) == ("equal-key", 1)
