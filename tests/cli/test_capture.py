from __future__ import annotations

import subprocess
import sys

import pytest

from cli.conftest import Marea, Shop

pytestmark = pytest.mark.integration

OURS = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'marea%'"


@pytest.fixture
def watched(fresh: Shop) -> Shop:
    """The project, whose customers are found by triggers."""
    fresh.configure("      table: customers\n", "      table: customers\n      capture: trigger\n")
    return fresh


def test_what_is_installed_can_be_removed_without_a_trace(marea: Marea, watched: Shop) -> None:
    done = marea("capture", "install")
    assert (done.code, done.out.split(":")[0]) == (0, "trigger of customers in erp")
    assert watched.erp(OURS) == [(10,)]
    assert "all is there already" in marea("capture", "install", "customers").out
    assert marea("capture", "remove", "customers").code == 0
    assert watched.erp(OURS) == [(0,)]
    assert "nothing is there" in marea("capture", "remove").out


def test_the_sql_is_printed_for_the_client_of_the_database(marea: Marea, watched: Shop) -> None:
    done = marea("capture", "install", "--sql", "customers")
    assert watched.erp(OURS) == [(0,)]
    reading = "import sqlite3, sys; sqlite3.connect('erp.db').executescript(sys.stdin.read())"
    subprocess.run([sys.executable, "-c", reading], input=done.out, text=True, check=True)
    assert watched.erp(OURS) == [(10,)]
    again = marea("capture", "install", "--sql")
    assert (again.out, again.err.strip()) == ("", "all is there already")
    assert len(marea("capture", "remove", "--sql", "--json").document[0]["statements"]) == 10
    assert watched.erp(OURS) == [(10,)]


def test_auto_takes_what_was_installed_by_name(marea: Marea, watched: Shop) -> None:
    watched.configure("capture: trigger", "capture: auto")
    assert marea("capture", "install", "customers").code == 0
    marea("sync")
    watched.erp("UPDATE customers SET name = 'By SQL again' WHERE code = '00006'")
    assert "1 updated" in marea("sync", "customers").out
    assert marea("capture", "remove").code == 0
    done = marea("sync", "customers")
    assert (done.code, "make it: marea capture install customers" in done.err) == (2, True)


def test_the_document_has_the_statements(marea: Marea, watched: Shop) -> None:
    [work] = marea("capture", "install", "--json").document
    assert (work["system"], work["capture"], work["entities"]) == ("erp", "trigger", ["customers"])
    assert len(work["statements"]) == 11
    assert marea("capture", "install", "--json").document[0]["statements"] == []


def test_an_entity_whose_capture_needs_nothing_is_told(marea: Marea, fresh: Shop, watched: Shop) -> None:
    watched.configure("capture: trigger", "capture: watermark")
    done = marea("capture", "install", "customers")
    assert done.code == 2
    assert "customers.source.capture: the capture of customers (watermark) needs nothing" in done.err
    assert "no entity has a capture that needs anything" in marea("capture", "install").err


def test_a_capture_that_the_source_cannot_have_is_told(marea: Marea, watched: Shop) -> None:
    watched.configure("capture: trigger", "capture: log")
    done = marea("capture", "install")
    assert done.code == 2
    assert "system erp has no capture by log (it knows trigger)" in done.err


def test_a_view_cannot_be_watched(marea: Marea, watched: Shop) -> None:
    watched.erp("ALTER TABLE customers RENAME TO people; CREATE VIEW customers AS SELECT * FROM people")
    done = marea("capture", "install")
    assert done.code == 2
    assert "customers: triggers do not see what changes behind a view" in done.err


def test_an_action_is_named(marea: Marea, watched: Shop) -> None:
    assert "install or remove" in marea("capture").err
    assert 'there is no command "instal" (did you mean "install"?)' in marea("capture", "instal").err
