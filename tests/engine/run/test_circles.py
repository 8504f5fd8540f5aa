"""Records that wait for each other in a circle: found at the end of a run, and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from by_hand import run_sql
from marea.config.load import load
from marea.engine.project import Project
from marea.engine.run.circles import circles
from marea.errors import ConfigurationError
from marea.store.ledger import Trouble
from marea.store.state import open_state
from worlds import counts, journal, synchronize, write_project

ENTITIES = """
  staff:
    source: {system: erp, table: staff, key: id, where: active = 1}
    target: {system: crm, object: staff, key: id, create: true}
    fields: {id: id, boss: {reference: staff, value: boss}, site: {reference: sites, value: site}}
    checks: [{that: id <> 9, say: Nine is no number}]
  sites:
    source: {system: erp, table: sites, key: id}
    target: {system: crm, object: sites, key: id, create: true}
    fields: {id: id, head: {reference: staff, value: head}}
"""


class Office:
    """Staff with bosses, who sit at sites with heads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = write_project(folder, ENTITIES)
        self.erp("CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER, site INTEGER, active INTEGER)")
        self.erp("CREATE TABLE sites (id INTEGER PRIMARY KEY, head INTEGER)")

    def erp(self, text: str) -> None:
        run_sql(f"sqlite:///{self.folder / 'erp.db'}", text)

    def crm(self, text: str) -> None:
        run_sql(f"sqlite:///{self.folder / 'crm.db'}", text)

    def staff(self, **bosses: int | None) -> None:
        """Each as a1=2: number 1 has boss 2."""
        for name, boss in bosses.items():
            value = "NULL" if boss is None else boss
            self.erp(f"INSERT OR REPLACE INTO staff VALUES ({name[1:]}, {value}, NULL, 1)")

    def sync(self) -> dict[str, int]:
        return counts(synchronize(self.file), "staff")

    def trouble(self, number: int, entity: str = "staff") -> Trouble:
        state = open_state(load(self.file).state)
        try:
            return state.ledger.record(state.entity(entity, "crm").id, str(number)).trouble
        finally:
            state.close()

    def explained(self, number: int) -> str:
        with Project(load(self.file)) as project:
            verdict = project.explain("staff", number).verdict
            return f"{verdict.text} | {' | '.join(verdict.steps)}"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.mark.integration
def test_a_circle_is_told_in_every_record_that_waits_in_it_or_for_it(office: Office) -> None:
    office.staff(a1=2, a2=3, a3=1, a4=1, a5=4, a6=None, a7=7)
    assert office.sync()["waiting"] == 6
    assert office.trouble(1).code == "circle"
    assert office.trouble(1).error == "a circle: staff 1 -> staff 2 -> staff 3 -> staff 1"
    assert office.trouble(3).error == "a circle: staff 3 -> staff 1 -> staff 2 -> staff 3"
    assert office.trouble(5).error == (
        "it waits in the end for a circle: staff 1 -> staff 2 -> staff 3 -> staff 1"
    )
    assert office.trouble(7).error == "staff 7 waits for itself"
    assert "leave the reference out" in str(office.trouble(7).hint)
    assert office.explained(5).startswith("staff 5 waits for ever: it waits in the end for a circle: staff 1")
    assert "break the circle in the source" in office.explained(5)


@pytest.mark.integration
def test_a_circle_may_go_through_several_entities(office: Office) -> None:
    office.erp("INSERT INTO staff VALUES (1, NULL, 10, 1)")
    office.erp("INSERT INTO sites VALUES (10, 1)")
    office.sync()
    assert office.trouble(1).error == "a circle: staff 1 -> sites 10 -> staff 1"
    assert office.trouble(10, "sites").error == "a circle: sites 10 -> staff 1 -> sites 10"


@pytest.mark.integration
def test_status_counts_them_and_names_one(office: Office) -> None:
    office.staff(a1=2, a2=1, a3=None, a4=99)
    office.sync()
    with Project(load(office.file)) as project:
        found = project.status().entities["staff"]
    assert (found.circling, found.circling_key, found.backlog) == (2, "1", {"waiting": 3})


@pytest.mark.integration
def test_a_circle_that_is_broken_is_delivered_and_what_is_none_any_more_is_not_called_one(
    office: Office,
) -> None:
    office.staff(a1=2, a2=1, a3=1)
    office.sync()
    office.staff(a1=99)
    office.sync()
    assert [office.trouble(number).code for number in (1, 2, 3)] == ["waiting"] * 3
    assert office.trouble(2).error == "staff 1 is not in the target yet"
    assert office.trouble(2).hint is None
    office.staff(a1=None)
    assert office.sync()["created"] == 3


@pytest.mark.integration
def test_a_boss_who_is_refused_makes_no_circle(office: Office) -> None:
    office.staff(a1=9, a9=1)
    office.sync()
    assert office.trouble(1).code == "waiting"
    assert "it is rejected itself: Nine is no number" in office.explained(1)


@pytest.mark.integration
def test_what_a_record_waits_for_is_told_apart(office: Office) -> None:
    office.staff(a1=99, a2=8, a3=2)
    office.erp("INSERT INTO staff VALUES (8, NULL, NULL, 0)")
    office.sync()
    assert "it is not in the source | add it to table staff, or correct what staff 1" in office.explained(1)
    assert "outside the filter `active = 1`" in office.explained(2)
    assert "it is waiting itself" in office.explained(3)


def _ends(parents: dict[int, int], start: int) -> bool:
    """Whether following the parents ends, the slow way."""
    seen: set[int] = set()
    node: int | None = start
    while node is not None and node not in seen:
        seen.add(node)
        node = parents.get(node)
    return node is None


@pytest.mark.property
@given(st.dictionaries(st.integers(0, 12), st.integers(0, 12)))
def test_exactly_what_never_ends_is_found(parents: dict[int, int]) -> None:
    found = circles({(1, str(one)): (1, str(other)) for one, other in parents.items()})
    assert {int(key) for _, key in found} == {one for one in parents if not _ends(parents, one)}
    for record, ring in found.items():
        assert len(set(ring)) == len(ring)
        steps = [parents[int(key)] for _, key in ring]
        assert steps == [int(key) for _, key in [*ring[1:], ring[0]]]
        assert ring[0] == record or record not in ring


@pytest.mark.integration
def test_a_long_circle_is_named_in_part(office: Office) -> None:
    office.staff(**{f"a{number}": number + 1 for number in range(10, 29)}, a29=10)
    office.sync()
    names = " -> ".join(f"staff {number}" for number in range(15, 21))
    assert office.trouble(15).error == f"a circle: {names} -> … 14 more -> staff 15"


@pytest.mark.integration
def test_what_a_quiet_entity_of_a_circle_lacks_is_told_before_a_parent_behind_it_is_delivered(
    office: Office,
) -> None:
    """Sites come first and have nothing new; a member of the staff that one waits for has come."""
    dated = ENTITIES.replace(", key: id", ", key: id, modified: modified")
    write_project(office.folder, dated.replace(", modified: modified, create: true", ""))
    for table in ("staff", "sites"):
        office.erp(f"ALTER TABLE {table} ADD COLUMN modified DATETIME")
    office.crm("CREATE TABLE staff (id INTEGER PRIMARY KEY, boss TEXT, site TEXT)")
    office.crm("CREATE TABLE sites (id INTEGER PRIMARY KEY, head TEXT)")
    office.erp("INSERT INTO staff VALUES (1, NULL, NULL, 1, '2020-01-01 00:00:00')")
    office.erp("INSERT INTO sites VALUES (10, 2, '2020-01-01 00:00:00')")
    assert office.sync() == {"created": 1}
    assert office.trouble(10, "sites").code == "waiting"
    office.crm("ALTER TABLE sites RENAME COLUMN head TO chief")
    office.erp("INSERT INTO staff VALUES (2, NULL, NULL, 1, '2020-01-02 00:00:00')")
    entries = journal(office.file)
    with pytest.raises(ConfigurationError, match='no column "head"'):
        office.sync()
    assert journal(office.file) == entries
