"""A first load is killed at random moments; the next run completes it, and nothing is lost or doubled."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from by_hand import run_sql
from crash.started import start
from marea.capture.names import WATERMARK
from marea.config.load import load
from marea.model import RunStatus
from marea.store.state import open_state
from worlds import write_project

TABLE = """
CREATE TABLE customers (
  code varchar(12) PRIMARY KEY, name varchar(80), credit numeric(12,2), modified timestamp
);
INSERT INTO customers
SELECT lpad(n::text, 8, '0'), 'Name ' || n, n / 100.0, timestamp '2020-01-01' + n * interval '1 ms'
FROM generate_series(1, {rows}) n
"""

ENTITIES = """
  customers:
    source: {system: erp, table: customers, key: code, modified: modified}
    target: {system: crm, object: accounts, key: code, create: true}
    fields: {code: code, name: trim(name), credit: credit, modified: modified}
"""


def prepare(folder: Path, source: str, target: str, rows: int) -> Path:
    run_sql(source, TABLE.format(rows=rows))
    return write_project(folder, ENTITIES, source, target)


def kill_at_a_random_moment(file: Path, chance: random.Random) -> None:
    """Start a run and kill it some time after a random step, while it loads."""
    process = start(file, "endless")
    assert process.stdout is not None
    steps = chance.randint(1, 4)
    for step, line in enumerate(process.stdout, 1):
        if step == steps or line == "held\n":
            break
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=chance.uniform(0, 0.1))
    process.kill()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    assert loading(file)


def loading(file: Path) -> bool:
    """Whether the load has not come to its end."""
    state = open_state(load(file).state)
    try:
        positions = [text for row in state.entities() for text in row.positions.values()]
        return all("sweep" in json.loads(text) for text in positions)
    finally:
        state.close()


def finish(file: Path) -> None:
    process = start(file)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.splitlines()[-1] == RunStatus.SUCCEEDED.value


def digest(url: str, table: str) -> tuple[object, ...]:
    columns = "code, name, credit, modified"
    return run_sql(url, f"SELECT count(*), sum(hashtextextended(row({columns})::text, 0)) FROM {table}")[0]


def assert_books_agree(file: Path, rows: int) -> None:
    """Every record is in the ledger once, aligned, with a journal entry; the load is through."""
    state = open_state(load(file).state)
    try:
        row = state.entity("customers", "crm")
        assert {name.value: number for name, number in state.ledger.count(row.id)[0].items() if number} == {
            "aligned": rows
        }
        assert "sweep" not in json.loads(row.positions[WATERMARK])
        assert (
            sum(run.books["customers"].counts["created"] for run in state.runs.recent(1000) if run.books)
            == rows
        )  # type: ignore[index]
    finally:
        state.close()


def kill_and_compare(folder: Path, source: str, target: str, rows: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    print(f"seed {seed}")
    file = prepare(folder, source, target, rows)
    for _ in range(kills):
        kill_at_a_random_moment(file, chance)
    finish(file)
    assert not loading(file)
    assert digest(target, "accounts") == digest(source, "customers")
    assert_books_agree(file, rows)


@pytest.mark.crash
def test_a_killed_first_load_is_completed(
    tmp_path: Path, postgresql_url: str, other_postgresql_url: str
) -> None:
    kill_and_compare(tmp_path, postgresql_url, other_postgresql_url, rows=60_000, kills=3, seed=7)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("round_", range(20))
def test_twenty_loads_of_200_000_rows(
    tmp_path: Path, postgresql_url: str, other_postgresql_url: str, round_: int
) -> None:
    kill_and_compare(tmp_path, postgresql_url, other_postgresql_url, rows=200_000, kills=1, seed=round_)
