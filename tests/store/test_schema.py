from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.store import database
from marea.store.state import State, open_state
from marea.store.statements import CODES, fit, migrations, statement
from store.desk import NOW, Desk

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[2] / "docs" / "state.md"
ON_SQLITE = """
SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid
"""
ON_POSTGRESQL = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'marea' ORDER BY table_name, ordinal_position
"""


def test_the_schema_is_the_one_documented(url: str) -> None:
    open_state(url).close()
    rows = re.findall(r"^\| `(\w+)` \| ([a-z_, ]+) \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert _schema(url) == {table: columns.split(", ") for table, columns in rows}


def test_the_schema_is_the_sum_of_its_migrations(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that took each migration with a program of its time ends like one made today."""
    everything = migrations()
    for count in range(1, len(everything) + 1):
        monkeypatch.setattr(database, "migrations", lambda: everything[:count])  # noqa: B023
        open_state(url).close()
    made = run_sql(url, f"SELECT number, name FROM {_place(url)}migration ORDER BY number")
    assert made == [(number, name) for number, name, _ in everything]
    assert [number for number, _, _ in everything] == list(range(1, len(everything) + 1))
    assert set(_schema(url)) > {"record", "entry"}


def test_opening_again_changes_nothing(url: str) -> None:
    open_state(url).close()
    before = _schema(url)
    open_state(url).close()
    assert _schema(url) == before


def test_a_line_counts_only_when_what_it_asks_for_is_given() -> None:
    with_key = statement("entries", {"key": "1", "newest_first": True})
    assert "entry.key = :key" in with_key
    assert "-- when" not in with_key
    assert "entry.key = :key" not in statement("entries", {"key": None})
    assert fit("{a} {b}", {"a": "1", "b": "2"}) == "1 2"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("look_up", {}),
        ("keep_doubts", {"unknown": "unknown"}),
        ("payloads", {}),
        ("target_ids", {}),
        ("holders", {}),
        ("release_claims", {}),
        ("bury_replaced", {}),
        ("write_entries_of_deletes", {}),
        ("due", {}),
        ("entries", {"entity": "customers", "any_record": True, "newest_first": True}),
        ("entries", {"since": 1, "oldest_first": True}),
        ("books", {}),
    ],
)
def test_no_statement_sorts_or_scans_what_grows(
    sqlite_state: State, name: str, given: dict[str, object]
) -> None:
    database = sqlite_state._database
    names = ("entity", "now", "run", "at", "low", "high", "page")
    parameters = {**dict.fromkeys(names, 1), "asked": database._bind(pa.array(["x"])), **CODES, **given}
    plan = database._execute("EXPLAIN QUERY PLAN " + database._text(name, parameters), parameters)
    steps = [row[3] for row in plan]
    assert not [step for step in steps if "B-TREE FOR ORDER BY" in step]
    assert not [step for step in steps if re.match(r"SCAN (record|payload|trouble|claim|entry)\b", step)]


def test_the_entries_of_one_record_come_by_its_index(sqlite_state: State) -> None:
    parameters = {
        "entity": "c",
        "key": "1",
        "one_record": True,
        "newest_first": True,
        "low": 0,
        "high": 9,
        "page": 1,
    }
    plan = sqlite_state._database._execute(
        "EXPLAIN QUERY PLAN " + statement("entries", parameters), parameters
    )
    assert any("entry_record (entity=? AND key=?" in row[3] for row in plan)


def test_postgresql_pages_through_the_journal_without_sorting_it(postgresql_url: str) -> None:
    state = open_state(postgresql_url)
    desk = Desk(state)
    fill = "INSERT INTO marea.entry (id, run, entity, key, at, operation, outcome, cause) SELECT n, 1, "
    fill += f"{desk.entity}, n::text, {NOW}, 'create', 'created', 'retry' FROM generate_series(1, 5000) n"
    run_sql(postgresql_url, fill)
    given = {
        "entity": "customers",
        "any_record": True,
        "newest_first": True,
        "low": 0,
        "high": 2**40,
        "page": 10,
    }
    plan = state._database._execute("EXPLAIN " + statement("entries", given), given)
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan Backward using entry_pkey" in text
    assert "Sort" not in text
    state.close()


def test_postgresql_looks_records_and_troubles_up_by_their_index(postgresql_url: str) -> None:
    state = open_state(postgresql_url)
    database = state.ledger._database
    given = {"entity": 1, "asked": json.dumps(["1"]), **CODES}
    plan = database._execute("EXPLAIN " + database._text("look_up", given), given)
    conditions = [row[0].strip() for row in plan if "Index Cond" in row[0]]
    assert len([text for text in conditions if "key = asked.value" in text]) == 2
    state.close()


@pytest.fixture
def sqlite_state(tmp_path: Path) -> Iterator[State]:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    yield state
    state.close()


def _schema(url: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in run_sql(url, ON_SQLITE if url.startswith("sqlite") else ON_POSTGRESQL):
        found.setdefault(str(table), []).append(str(column))
    return found


def _place(url: str) -> str:
    return "" if url.startswith("sqlite") else "marea."
