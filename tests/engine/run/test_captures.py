"""Which capture finds the changes of an entity, and that another one than before loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import marea
from by_hand import run_sql
from marea.config.load import load
from marea.connectors.sqlite.source import SqliteSource
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import Choice, choice
from marea.engine.entity.known import known_entity
from marea.engine.entity.systems import Systems
from marea.ports import Writers
from marea.store.state import open_state
from worlds import ENTITIES, World, counts, stopped_after

pytestmark = pytest.mark.integration

UNDATED = (
    ENTITIES.replace("modified: modified, ", "")
    .replace(", modified: modified", "")
    .replace("      modified: modified\n", "")
)
PARTLY = ENTITIES.replace("options: {table: options, on: {kind: kind, customer: code}, modified: modified}",
    "options: {table: options, on: {kind: kind, customer: code}}")  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    kind = request.param
    url = f"sqlite:///{tmp_path}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    made = World(url, f"sqlite:///{tmp_path}/crm.db", tmp_path)
    made.fill(12)
    return made


def configure(world: World, entities: str, capture: str = "auto") -> None:
    """Writes the entities anew, their changes found by a capture."""
    head = world.file.read_text("utf-8").partition("entities:")[0]
    asked = entities.replace("system: erp,", f"system: erp, capture: {capture},").replace(
        "      system: erp\n", f"      system: erp\n      capture: {capture}\n"
    )
    world.file.write_text(f"{head}entities:{asked}", "utf-8")


def chosen(world: World) -> Choice:
    settings = load(world.file)
    state, systems = open_state(settings.state), Systems(settings)
    try:
        entity = settings.entities["customers"]
        return choice(Alignment(settings, entity, systems), known_entity(state, entity))
    finally:
        systems.close()
        state.close()


def positions(world: World) -> set[str]:
    return {
        str(row[0]) for row in run_sql(f"sqlite:///{world.folder}/marea.db", "SELECT capture FROM position")
    }


def test_auto_takes_what_serves_best(world: World) -> None:
    assert chosen(world) == Choice("watermark", "every table has a last-edit date")
    configure(world, PARTLY)
    known = world.kind == "postgresql"
    assert chosen(world).capture == ("xmin" if known else "watermark")
    assert ("rows tell which transaction wrote them" in chosen(world).why) == known


def test_auto_stays_with_what_the_entity_goes_by(world: World) -> None:
    world.sync()
    configure(world, PARTLY)
    assert chosen(world) == Choice("watermark", "the entity goes by it already")


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_tables_without_any_date_are_not_read_as_a_whole(world: World) -> None:
    configure(world, UNDATED)
    world.sync()
    assert positions(world) == {"xmin"}
    world.erp("UPDATE customers SET name = 'By SQL' WHERE code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    assert world.sync().entities["customers"].detected == 0


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("one", "other"), [("watermark", "xmin"), ("xmin", "watermark")])
def test_another_capture_loses_nothing_of_what_came_between(world: World, one: str, other: str) -> None:
    configure(world, ENTITIES, one)
    world.sync()
    assert positions(world) == {one}
    world.change("customers", "name = 'Dated'", "code = '00001'")
    world.erp("UPDATE customers SET name = 'By SQL' WHERE code = '00002'")
    configure(world, ENTITIES, other)
    assert counts(world.sync()) == {"unchanged": 10, "updated": 2}
    assert positions(world) == {other}
    causes = {str(entry.key): entry.cause for entry in world.log(entity="customers")}
    assert causes["[1, '00001']"] == "last-edit date"
    assert causes["[1, '00002']"] == "direct SQL"
    world.change("customers", "name = 'After'", "code = '00003'")
    assert counts(world.sync())["updated"] == 1


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_one_that_was_interrupted_on_the_way_to_another_loses_nothing(world: World) -> None:
    configure(world, ENTITIES, "watermark")
    world.sync()
    configure(world, ENTITIES, "xmin")
    with stopped_after(1, "customers"):
        world.sync(page=4)
    world.erp("UPDATE customers SET name = 'By SQL' WHERE code IN ('00001', '00011')")
    assert counts(world.sync(page=4))["updated"] == 2
    assert positions(world) == {"xmin"}
    assert world.sync().entities["customers"].detected == 0


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_back_again_before_the_other_was_through(world: World) -> None:
    configure(world, ENTITIES, "watermark")
    world.sync()
    configure(world, ENTITIES, "xmin")
    with stopped_after(1, "customers"):
        world.sync(page=4)
    world.change("customers", "name = 'Edited'", "code IN ('00001', '00011')")
    configure(world, ENTITIES, "watermark")
    assert counts(world.sync()) == {"updated": 2}
    world.erp("UPDATE customers SET name = 'By SQL' WHERE code IN ('00001', '00011')")
    configure(world, ENTITIES, "xmin")
    assert counts(world.sync())["updated"] == 2
    assert positions(world) == {"xmin"}


def test_who_writes_is_asked_only_where_a_position_may_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SQLite file tells it only to who takes the right to write, which others may be waiting for."""
    world = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path)
    world.fill(12)
    world.sync()
    real, asked = SqliteSource.writers, list[None]()

    def counted(source: SqliteSource, *, fresh: bool = False) -> Writers:
        asked.append(None)
        return real(source, fresh=fresh)

    monkeypatch.setattr(SqliteSource, "writers", counted)
    world.sync()
    world.sync(keys=('[1,"00001"]',))
    with marea.open(world.file, {}) as project:
        project.plan()
        project.explain("customers", [1, "00001"])
    assert asked == []
    world.change("customers", "name = 'Edited'", "code = '00003'")
    world.sync("customers")
    assert asked == [None]


@pytest.mark.parametrize(
    ("world", "capture"), [("sqlite", "trigger"), ("postgresql", "log")], indirect=["world"]
)
def test_what_is_noted_of_a_deleted_row_deletes_its_record(world: World, capture: str) -> None:
    """As `marea check` promises of triggers and of the log."""
    configure(world, ENTITIES, capture)
    with marea.open(world.file, {}) as project:
        project.install()
    world.sync()
    world.erp("DELETE FROM customers WHERE code = '00003'")
    assert counts(world.sync()) == {"deleted": 1}
    assert world.crm("SELECT count(*) FROM accounts WHERE code = '00003'") == [(0,)]
    with marea.open(world.file, {}) as project:
        project.install(remove=True)
