"""A run dies after the target committed and before the state did: what the source says then is delivered."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest

import marea
from crash.started import start
from marea.config.load import load
from marea.model import Cause, Operation, RunStatus
from marea.store.state import open_state
from worlds import World, counts

pytestmark = pytest.mark.crash


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sqlite":
        made = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path)
    else:
        source, target = (request.getfixturevalue(f"{name}postgresql_url") for name in ("", "other_"))
        made = World(source, target, tmp_path)
        made.file.write_text(made.file.read_text() + f'\nstate: "{target}"\n')
    made.fill(8)
    return made


def die(world: World, commits: int = 0, rows: int = 3) -> None:
    """A run that is killed when the target has more than the first `commits` batches."""
    process = start(world.file, str(commits), str(rows), err=subprocess.PIPE)
    _, said = process.communicate()
    assert process.returncode in (-signal.SIGKILL, 0), said


def put(world: World, name: str, code: str) -> None:
    world.change("customers", f"name = '{name}'", f"code = '{code}'")


def names(world: World) -> dict[str, str]:
    rows = world.crm("SELECT code, name FROM accounts ORDER BY code")
    assert len({row[0] for row in rows}) == len(rows)
    return {str(code): str(name) for code, name in rows}


def test_the_old_value_that_comes_back_is_delivered(world: World) -> None:
    world.sync()
    put(world, "New", "00003")
    die(world)
    assert names(world)["00003"] == "New"
    put(world, "Name 00003", "00003")
    result = world.sync()
    assert result.status is RunStatus.SUCCEEDED
    assert names(world) == {f"{number:05d}": f"Name {number:05d}" for number in range(8)}
    assert counts(result)["updated"] == 1
    assert not counts(world.sync()).keys() & {"created", "updated"}


def test_it_is_delivered_though_its_date_says_nothing(world: World) -> None:
    """The value comes back by raw SQL with its old date: nothing but the intent knows of the record."""
    world.sync()
    put(world, "New", "00003")
    die(world)
    world.erp(
        "UPDATE customers SET name = 'Name 00003 ', modified = '2020-01-01 00:00:00' WHERE code = '00003'"
    )
    result = world.sync()
    assert names(world)["00003"] == "Name 00003"
    (entry,) = world.log(run=result.id)
    assert (entry.operation, entry.cause) == (Operation.UPDATE, Cause.RETRY)


@pytest.mark.parametrize("hindered", ["name = NULL", "tax = '99'"])
def test_h24_a_rule_or_a_parent_that_is_missing_ends_no_doubt(world: World, hindered: str) -> None:
    """Also where it leaves the source then: what it was before is not what the target has."""
    world.sync()
    put(world, "New", "00003")
    die(world)
    world.change("customers", hindered, "code = '00003'")
    for _ in range(2):
        assert world.sync().status is RunStatus.PARTIAL
        world.change("customers", hindered, "code = '00003'")
    world.erp("CREATE TABLE kept AS SELECT * FROM customers WHERE code = '00003'")
    world.erp("DELETE FROM customers WHERE code = '00003'")
    world.sync(full=True)
    world.erp("INSERT INTO customers SELECT * FROM kept")
    old = "name = 'Name 00003', tax = '22', modified = '2020-01-01 00:00:00'"
    world.erp(f"UPDATE customers SET {old} WHERE code = '00003'")
    world.sync(full=True)
    assert names(world)["00003"] == "Name 00003"
    assert_nothing_is_left(world)


def test_creates_that_no_ledger_knows_are_not_doubled(world: World) -> None:
    die(world, commits=2)
    assert world.crm("SELECT count(*) FROM accounts") != [(0,)]
    put(world, "Other", "00001")
    assert world.sync().status is RunStatus.SUCCEEDED
    world.sync()  # the rest of the first load did not read the beginning again
    assert names(world) == {f"{n:05d}": "Other" if n == 1 else f"Name {n:05d}" for n in range(8)}
    assert not counts(world.sync()).keys() & {"created", "updated"}


def test_a_record_that_is_gone_from_the_source_meanwhile_stops_nothing(world: World) -> None:
    world.sync()
    put(world, "New", "00003")
    put(world, "New", "00004")
    die(world, rows=40)
    world.erp("DELETE FROM customers WHERE code = '00003'")
    put(world, "Name 00004", "00004")
    world.sync()
    assert names(world)["00004"] == "Name 00004"


def test_a_dry_run_knows_what_is_in_doubt(world: World) -> None:
    world.sync()
    put(world, "New", "00003")
    die(world)
    put(world, "Name 00003", "00003")
    with marea.open(world.file, {}) as project:
        planned = project.plan()["customers"].books.counts
        assert project.status().entities["customers"].backlog == {}
    result = world.sync()
    assert planned == result.entities["customers"].counts


@pytest.mark.parametrize("seed", range(3))
def test_random_edits_and_deaths_end_with_both_sides_equal(world: World, seed: int) -> None:
    check_random_deaths(world, random.Random(seed), rounds=4)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(100, 130))
def test_many_random_edits_and_deaths(world: World, seed: int) -> None:
    check_random_deaths(world, random.Random(seed), rounds=15)


def check_random_deaths(world: World, chance: random.Random, rounds: int) -> None:
    """Names toggle between two values, so that old ones come back all the time."""
    codes = [f"{number:05d}" for number in range(8)]
    for _ in range(rounds):
        for code in chance.sample(codes, chance.randint(1, 5)):
            put(world, chance.choice("AB"), code)
        die(world, commits=chance.randint(0, 4), rows=chance.randint(1, 4))
    for code in chance.sample(codes, 4):
        put(world, chance.choice("AB"), code)
    assert world.sync().status is RunStatus.SUCCEEDED
    source = world.erp("SELECT code, trim(name) FROM customers ORDER BY code")
    assert names(world) == {str(code): str(name) for code, name in source}
    assert_nothing_is_left(world)


def assert_nothing_is_left(world: World) -> None:
    state = open_state(load(world.file).state)
    try:
        row = state.entity("customers", "crm")
        assert state.ledger.in_doubt(row.id) == {}
        assert state.ledger.count_troubled(row.id) == {}
    finally:
        state.close()
