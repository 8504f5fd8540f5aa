"""Stamps finer or coarser than a program's: microseconds, whole seconds, dates, numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from by_hand import run_sql
from worlds import copied, synchronize, write_project

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

STAMPS = [
    ("postgresql", "timestamp(0)", "localtimestamp"),
    ("postgresql", "timestamp(6)", "clock_timestamp()"),
    ("postgresql", "timestamptz", "clock_timestamp()"),
    ("postgresql", "date", "current_date"),
    ("postgresql", "bigint", "(SELECT coalesce(max(modified), 0) + 1 FROM items)"),
    ("mariadb", "datetime", "now()"),
    ("mariadb", "datetime(6)", "now(6)"),
    ("mariadb", "timestamp", "now()"),
    ("mariadb", "date", "curdate()"),
    ("sqlite", "TIMESTAMP", "CURRENT_TIMESTAMP"),
    ("sqlite", "TIMESTAMP", "strftime('%Y-%m-%d %H:%M:%f', 'now')"),
    ("sqlite", "DATE", "CURRENT_DATE"),
]


@pytest.mark.parametrize(("kind", "type_", "now"), STAMPS, ids=[f"{k}-{t}" for k, t, _ in STAMPS])
def test_h06_edits_of_one_moment_are_all_found(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, type_: str, now: str
) -> None:
    source, target = str(request.getfixturevalue(f"{kind}_url")), f"sqlite:///{tmp_path / 'crm.db'}"
    file = write_project(tmp_path, copied("items", "id", "name"), source, target)
    run_sql(source, f"CREATE TABLE items (id integer PRIMARY KEY, name varchar(20), modified {type_})")
    for number in range(3):
        run_sql(source, f"INSERT INTO items SELECT {number}, 'old', {now}")
    synchronize(file)
    for turn in range(4):
        # As fast as it goes, so that several edits and runs fall into one second.
        stamp = now.replace("FROM items", "FROM (SELECT modified FROM items) x")
        run_sql(source, f"UPDATE items SET name = 'turn {turn}', modified = {stamp} WHERE id = {turn % 3}")
        synchronize(file)
        names = run_sql(target, f"SELECT name FROM items WHERE id = {turn % 3}")
        assert names == [(f"turn {turn}",)]
