from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marea.model import Cause, Operation, Outcome
from marea.store import journal
from marea.store.journal import EntryFilter
from store.desk import Desk, row

pytestmark = pytest.mark.unit


def test_a_create_is_read_as_every_field_from_nothing(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED, payload='{"a":1,"b":null,"c":[{"d":"e"}]}', target_id="T"))
    (entry,) = desk.entries()
    assert entry.changes == {"a": (None, 1), "b": (None, None), "c": (None, [{"d": "e"}])}
    assert (entry.operation, entry.outcome, entry.cause) == (
        Operation.CREATE,
        Outcome.CREATED,
        Cause.LAST_EDIT,
    )
    assert (entry.run, entry.entity, entry.key, entry.target_id) == (desk.run, "customers", "1", "T")


def test_an_update_is_read_as_it_was_written(desk: Desk) -> None:
    desk.commit(
        row('[3211264,"0815"]', Outcome.UPDATED, changes='{"name":["x","y"],"n":[1,null]}', duration_ms=12)
    )
    (entry,) = desk.entries()
    assert entry.changes == {"name": ("x", "y"), "n": (1, None)}
    assert (entry.key, entry.duration_ms) == ([3211264, "0815"], 12)


def test_a_delete_is_read_as_every_field_to_nothing(desk: Desk) -> None:
    desk.commit(row("42", Outcome.CREATED, target_id="T"))
    desk.commit(row("42", Outcome.UPDATED, payload='{"name":"last"}', changes='{"name":["x","last"]}'))
    desk.commit(row("42", Outcome.DELETED, cause=Cause.DELETE))
    entry = desk.entries()[-1]
    assert (entry.operation, entry.key, entry.target_id) == (Operation.DELETE, 42, "T")
    assert entry.changes == {"name": ("last", None)}


def test_a_refused_delete_tells_what_it_would_have_removed(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED))
    desk.commit(row('"1"', Outcome.HELD, operation=Operation.DELETE))
    entry = desk.entries()[-1]
    assert (entry.outcome, entry.changes) == (Outcome.HELD, {"name": ("x", None)})


def test_a_refusal_says_why(desk: Desk) -> None:
    desk.commit(
        row('"1"', Outcome.REJECTED, attempt=2, code="422", error="No VAT", field="vat", hint="Fix it")
    )
    (entry,) = desk.entries()
    assert (entry.attempt, entry.code, entry.error, entry.field, entry.hint) == (
        2,
        "422",
        "No VAT",
        "vat",
        "Fix it",
    )
    assert entry.changes == {}


def test_numbers_are_exact(desk: Desk) -> None:
    number = "12345678901234567890.123456789"
    desk.commit(row('"1"', Outcome.CREATED, payload=f'{{"n":{number}}}'))
    assert desk.entries()[0].changes == {"n": (None, Decimal(number))}


def test_only_logged_rows_are_in_the_journal(desk: Desk) -> None:
    desk.commit(
        row('"1"', Outcome.WAITING, log=False), row('"2"', Outcome.WAITING), row('"3"', Outcome.UNCHANGED)
    )
    desk.commit(row('"4"', Outcome.UNCHANGED, log=True), row('"5"', Outcome.CREATED, log=False))
    assert [entry.key for entry in desk.entries()] == ["2", "4", "5"]


def test_entries_come_newest_first_and_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PAGE", 3)
    for number in range(4):
        desk.commit(*(row(str(number * 2 + i), Outcome.CREATED) for i in range(2)))
    assert [entry.key for entry in desk.entries(newest_first=True)] == list(range(7, -1, -1))
    assert [entry.key for entry in desk.entries()] == list(range(8))
    newest = desk.state.journal.entries(EntryFilter(entity="customers"), limit=4)
    assert [entry.key for entry in newest] == [7, 6, 5, 4]
    assert list(desk.state.journal.entries(EntryFilter(), limit=0)) == []


def test_filters_by_what_an_entry_is(desk: Desk) -> None:
    items = Desk(desk.state, "items")
    desk.commit(row('"1"', Outcome.CREATED), row('"2"', Outcome.REJECTED, cause=Cause.RETRY))
    items.commit(row('"1"', Outcome.CREATED))
    assert len(desk.entries(entity="customers")) == 2
    assert len(desk.entries(key='"1"')) == 2
    assert [entry.entity for entry in desk.entries(entity="items", key='"1"')] == ["items"]
    assert [entry.entity for entry in desk.entries(run=items.run)] == ["items"]
    assert [entry.key for entry in desk.entries(outcome=Outcome.REJECTED)] == ["2"]
    assert [entry.key for entry in desk.entries(cause=Cause.RETRY)] == ["2"]
    assert desk.entries(entity="nobody") == []
    assert desk.entries(run=99) == []


def test_filters_by_time_both_ends_included(desk: Desk) -> None:
    times = [desk.commit(row(str(number), Outcome.CREATED)).at for number in range(4)]
    moments = [datetime.fromtimestamp(time // 1_000_000, UTC) for time in times]
    found = desk.entries(since=moments[1], until=moments[2])
    assert [entry.key for entry in found] == [1, 2]
    assert [entry.at for entry in found] == moments[1:3]
    assert desk.entries(since=moments[3] + timedelta(microseconds=1)) == []


def test_time_filters_look_past_runs_that_ended_before(desk: Desk) -> None:
    from marea.model import RunStatus

    made = desk.commit(row("1", Outcome.CREATED))
    desk.state.runs.finish(desk.run, RunStatus.SUCCEEDED, made.at)
    later = Desk(desk.state, "items")
    later.at = made.at + 10_000_000
    last = later.commit(row("2", Outcome.CREATED))
    since = datetime.fromtimestamp(last.at // 1_000_000, UTC)
    assert [entry.key for entry in desk.entries(since=since)] == [2]
    ended = datetime.fromtimestamp(made.at // 1_000_000, UTC)
    assert [entry.key for entry in desk.entries(since=ended)] == [1, 2]


def test_filters_by_a_changed_field(desk: Desk) -> None:
    desk.commit(
        row("1", Outcome.CREATED, payload='{"vat":"22","city":null}'),
        row("2", Outcome.UPDATED, changes='{"city":["Roma","Lodi"]}', payload='{"vat":"22","city":"Lodi"}'),
        row("3", Outcome.UPDATED, changes='{"ci%ty_":["a","b"]}'),
    )
    desk.commit(row("1", Outcome.DELETED))
    assert [(e.key, e.operation) for e in desk.entries(field="vat")] == [(1, "create"), (1, "delete")]
    assert [entry.key for entry in desk.entries(field="city")] == [2]
    assert [entry.key for entry in desk.entries(field="ci%ty_")] == [3]
    assert desk.entries(field="cit") == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ROSSI", [1]),
        ("nicolò", [1, 2]),
        ("NICOLÒ", [1, 2]),
        ('say "hi"', [2]),
        ("100%", [2]),
        ("vat number", [3]),
        ("0815", ["0815"]),
        ("name", []),
        ("22", [1]),
        ("nobody", []),
    ],
)
def test_filters_by_text_in_error_key_and_values(desk: Desk, text: str, keys: list[object]) -> None:
    desk.commit(
        row("1", Outcome.CREATED, payload='{"name":"Nicolò Rossi","rate":22}'),
        row("2", Outcome.UPDATED, changes='{"name":["say \\"hi\\" 100%","nicolò"]}'),
        row("3", Outcome.REJECTED, error="No VAT number"),
        row('"0815"', Outcome.CREATED, payload='{"name":"x"}'),
    )
    assert [entry.key for entry in desk.entries(text=text)] == keys
