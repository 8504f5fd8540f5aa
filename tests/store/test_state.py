from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.errors import ConfigurationError, RunStopped, SystemUnreachable
from marea.model import Outcome
from marea.store.commit import Move
from marea.store.state import State, exists, open_state
from process import free_port
from store.desk import Desk, row

pytestmark = pytest.mark.unit

OPEN = "import sys; from marea.store.state import open_state; open_state(sys.argv[1]).close()"


def test_an_entity_is_made_once_for_each_target(state: State) -> None:
    crm, shop = state.entity("customers", "crm"), state.entity("customers", "shop")
    assert crm.id != shop.id
    assert state.entity("customers", "crm") == crm
    assert [(row.name, row.target) for row in state.entities()] == [
        ("customers", "crm"),
        ("customers", "shop"),
    ]
    assert (crm.mapping, crm.positions, crm.moved_at) == (None, {}, {})


def test_what_was_committed_is_there_when_opened_again(url: str) -> None:
    first = open_state(url)
    Desk(first).commit(row('"1"', Outcome.CREATED), position=Move("watermark", None, "a"), mapping="digest")
    first.close()
    again = open_state(url)
    entity = again.entity("customers", "crm")
    assert (entity.mapping, entity.positions) == ("digest", {"watermark": "a"})
    assert again.ledger.record(entity.id, '"1"') is not None
    again.close()
    again.close()


def test_asking_whether_a_state_exists_makes_nothing(url: str) -> None:
    assert not exists(url)
    assert not exists(url)
    if url.startswith("postgresql"):
        assert run_sql(url, "SELECT 1 FROM pg_namespace WHERE nspname = 'marea'") == []
    open_state(url).close()
    assert exists(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "state.db",
        "mysql://host/state",
        "sqlite://state.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql://h:x/d",
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_state(url)
    assert caught.value.faults[0].field == "state"


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        open_state(f"sqlite:///{tmp_path}/nowhere/state.db")


def test_a_server_that_is_away_is_unreachable_and_keeps_the_password() -> None:
    with pytest.raises(SystemUnreachable) as caught:
        open_state(f"postgresql://me:s3cret@127.0.0.1:{free_port()}/state")
    assert "s3cret" not in str(caught.value)
    assert caught.value.system == "state"


def test_a_bad_option_of_the_url_keeps_the_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_state("postgresql://me:s3cret@127.0.0.1/state?nonsense=1")
    assert "s3cret" not in str(caught.value)


def test_a_lost_connection_is_unreachable(postgresql_url: str) -> None:
    state = open_state(postgresql_url)
    run_sql(
        postgresql_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    )
    with pytest.raises(SystemUnreachable):
        state.entity("customers", "crm")
    with pytest.raises(SystemUnreachable):
        state.entity("customers", "crm")
    state.close()


def test_a_newer_state_is_refused(url: str) -> None:
    open_state(url).close()
    table = "migration" if url.startswith("sqlite") else "marea.migration"
    run_sql(url, f"INSERT INTO {table} (number, name) VALUES (99, 'later')")
    with pytest.raises(RunStopped, match="version 99") as caught:
        open_state(url)
    assert caught.value.code == "state-newer"


def test_a_damaged_file_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(RunStopped, match=r"state\.db .*damaged") as caught:
        open_state(f"sqlite:///{path}")
    assert "backup" in caught.value.hint


def test_a_damaged_page_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = open_state(f"sqlite:///{path}")
    Desk(state).commit(*(row(f'"{n}"', Outcome.CREATED) for n in range(3000)))
    state.close()
    damaged = bytearray(path.read_bytes())
    damaged[16384:] = b"\xa5" * (len(damaged) - 16384)
    path.write_bytes(damaged)
    with pytest.raises(RunStopped, match="damaged"):
        open_state(f"sqlite:///{path}")


def test_a_full_disk_stops_the_run_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    desk = Desk(state)
    state._database._execute("PRAGMA max_page_count = 40", {})  # what a full disk is to SQLite
    rows = [row(f'"{n}"', Outcome.CREATED, payload='{"name":"' + "x" * 500 + '"}') for n in range(3000)]
    with pytest.raises(RunStopped, match="no room"):
        desk.commit(*rows, position=Move("watermark", None, "a"))
    assert (desk.positions, desk.entries(), state.ledger.empty(desk.entity)) == ({}, [], True)
    state.close()


READ_ONLY = """
import os, sys
import marea.store.sqlite
from marea.errors import RunStopped
from marea.store.state import open_state
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    open_state(sys.argv[1]).entity("customers", "crm")
except RunStopped as error:
    print(error)
"""


@pytest.mark.parametrize("folder", [0o555, 0o000])
def test_a_state_that_cannot_be_written_is_said_so(folder: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "state.db"
        open_state(f"sqlite:///{path}").close()
        path.chmod(0o444)
        Path(place).chmod(folder)
        done = _python(READ_ONLY, f"sqlite:///{path}")
        Path(place).chmod(0o755)
    assert "cannot be written" in done.stdout, done


def test_several_processes_may_open_a_new_state_at_once(url: str) -> None:
    children = [subprocess.Popen([sys.executable, "-c", OPEN, url], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 4


def test_a_postgresql_state_lives_in_the_schema_asked_for(postgresql_url: str) -> None:
    one, other = open_state(f"{postgresql_url}?schema=shop"), open_state(postgresql_url)
    one.entity("customers", "crm")
    assert other.entities() == []
    found = run_sql(postgresql_url, "SELECT schemaname FROM pg_tables WHERE tablename = 'record' ORDER BY 1")
    assert found == [("marea",), ("shop",)]
    one.close()
    other.close()


def test_threads_may_share_a_state(desk: Desk) -> None:
    """Commits of one thread, reads of the ledger by another, renewals by a third."""
    keys = pa.array([f'"{n}"' for n in range(500)])
    failures: list[BaseException] = []

    def often(work: object) -> threading.Thread:
        def loop() -> None:
            try:
                for _ in range(20):
                    work()  # type: ignore[operator]
            except BaseException as error:
                failures.append(error)

        return threading.Thread(target=loop)

    threads = [
        often(lambda: desk.commit(*(row(key, Outcome.UPDATED) for key in keys.to_pylist()))),
        often(lambda: desk.state.ledger.look_up(desk.entity, keys)),
        often(lambda: desk.state.leases.renew(desk.entity, desk.fence, desk.at, 60)),
        often(lambda: desk.entries(outcome=Outcome.DELETED)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert desk.state.runs.books(desk.run, desk.entity).counts[Outcome.UPDATED] == 20 * 500


def _python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
