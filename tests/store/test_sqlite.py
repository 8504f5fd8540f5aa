from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from marea.errors import RunStopped
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


def test_an_empty_file_is_no_new_state(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.touch()
    with pytest.raises(RunStopped, match="damaged: the file is empty") as caught:
        SqliteDatabase(str(file))
    assert "remove it to begin anew" in caught.value.hint
    assert file.stat().st_size == 0
    file.unlink()
    SqliteDatabase(str(file))._close()
    assert [found.name for found in tmp_path.iterdir()] == ["state.db"]
    SqliteDatabase(str(file))._close()
