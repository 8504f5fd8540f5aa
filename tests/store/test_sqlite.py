from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from marea.store.sqlite import SETTINGS, SqliteDatabase

pytestmark = pytest.mark.unit

ANSWERS = {"WAL": "wal", "NORMAL": 1, "MEMORY": 2}


def asked() -> dict[str, object]:
    pairs = [line.strip(";").removeprefix("PRAGMA ").split(" = ") for line in SETTINGS.split("\n") if line]
    return {name: ANSWERS.get(value) or int(value) for name, value in pairs}


def test_every_setting_is_in_force(tmp_path: Path) -> None:
    wanted = asked()
    with closing(SqliteDatabase(str(tmp_path / "state.db"))) as database:
        found = {name: database._connection.pragma(name) for name in wanted}
    assert found == wanted
    assert len(found) > 5
