from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from cli.conftest import Marea, Shop
from cli.shapes import check_entry
from marea.cli.journal import moment_of
from marea.errors import ConfigurationError

pytestmark = pytest.mark.integration

NOW = "2022-01-01 00:00:00"


def test_the_document_is_the_documented_one(marea: Marea, shop: Shop) -> None:
    done = marea("log", "--json")
    assert done.code == 0
    assert len(done.document) == 18
    for entry in done.document:
        check_entry(entry)
    assert done.document[0]["run"] == "2"


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("--run", "2", "--outcome", "updated"), [[1, "00000"]]),
        (("--run", "2", "--outcome", "rejected"), [[1, "00001"]]),
        (("--outcome", "waiting"), [[1, "00003"]]),
        (("--entity", "tax_codes"), ["22", "10"]),
        (("--entity", "customers", "--key", "1,00000"), [[1, "00000"], [1, "00000"]]),
        (("--entity", "customers", "--key", '[1,"00000"]', "--run", "1"), [[1, "00000"]]),
        (("--entity", "tax_codes", "--key", "10"), ["10"]),
        (("--field", "credit", "--cause", "last-edit date"), [[1, "N1"], [1, "00000"]]),
        (("--text", "=1+"), [[1, "N1"]]),
        (("--since", "2099-01-01"), []),
        (("--until", "2020-01-01"), []),
        (("--since", "1h", "--limit", "1"), [[1, "N1"]]),
    ],
)
def test_filters(marea: Marea, shop: Shop, words: tuple[str, ...], keys: list[object]) -> None:
    found = [entry["key"] for entry in marea("log", *words, "--json").document]
    assert sorted(map(str, found)) == sorted(map(str, keys))


def test_entries_of_records_that_left_the_source_are_found(marea: Marea, shop: Shop) -> None:
    shop.erp("DELETE FROM customers WHERE code = '00003'")
    marea("retry", "customers", "--key", "1,00003")
    assert [entry["key"] for entry in marea("log", "--outcome", "deleted", "--json").document] == [
        [1, "00003"]
    ]


def test_before_and_after_keep_every_digit(marea: Marea, shop: Shop) -> None:
    done = marea("log", "--entity", "customers", "--key", "1,00000", "--run", "2", "--json")
    assert '"credit": [100.5, 101.5]' in done.out
    assert "credit  100.5 -> 101.5" in marea("log", "--run", "2", "--outcome", "updated").out


def test_the_text_says_when_there_is_more(marea: Marea, shop: Shop) -> None:
    done = marea("log", "--limit", "2")
    assert "the newest 2 entries are shown" in done.err
    assert "the newest entry is shown" in marea("log", "--limit", "1").err
    assert "no entry fits: text nobody" in marea("log", "--text", "nobody").out


def test_csv_is_read_back_and_holds_no_formula(marea: Marea, shop: Shop) -> None:
    shop.erp("UPDATE customers SET code = '=cmd', modified = CURRENT_TIMESTAMP WHERE code = 'N1'")
    shop.erp("INSERT INTO tax_codes VALUES ('@x', 1, CURRENT_TIMESTAMP)")
    marea("sync")
    done = marea("log", "--export", "log.csv", "--json")
    assert done.document == {"file": "log.csv", "entries": 20}
    rows = list(csv.DictReader(StringIO(Path("log.csv").read_text("utf-8"), newline="")))
    assert len(rows) == 20
    ids = {row["target_id"] for row in rows}
    assert {"'=cmd", "'@x"} <= ids
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert json.loads(rows[0]["changes"])


def test_parquet_is_read_back(marea: Marea, shop: Shop) -> None:
    from pyarrow import parquet

    assert marea("log", "--export", "log.parquet").code == 0
    table = parquet.read_table("log.parquet")
    assert table.num_rows == 18
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
    assert json.loads(table.column("key")[0].as_py()) == [1, "N1"]


def test_json_lines_are_read_back(marea: Marea, shop: Shop) -> None:
    assert marea("log", "--entity", "tax_codes", "--export", "log.jsonl").code == 0
    entries = [json.loads(line) for line in Path("log.jsonl").read_text("utf-8").splitlines()]
    assert len(entries) == 2
    for entry in entries:
        check_entry(entry)


def test_an_export_that_cannot_be_written_leaves_nothing(marea: Marea, shop: Shop) -> None:
    before = sorted(shop.folder.iterdir())
    assert marea("log", "--export", "log.txt").code == 2
    for place in ("no/such/folder/log.csv", "marea.yaml/log.csv"):
        done = marea("log", "--export", place)
        assert (done.code, f"{place} cannot be written" in done.err) == (2, True)
    assert sorted(shop.folder.iterdir()) == before


def test_words_that_mean_nothing(marea: Marea, shop: Shop) -> None:
    assert "'noon' is no time" in marea("log", "--since", "noon").err
    assert "known here: first load" in marea("log", "--cause", "magic").err


@pytest.mark.parametrize("run", [2**31, 10**17])
def test_a_run_that_never_was_has_no_deliveries(marea: Marea, shop: Shop, run: int) -> None:
    done = marea("log", "--run", str(run))
    assert (done.code, done.out) == (0, f"no entry fits: run {run} (the last run is 2)\n")


@pytest.mark.parametrize("option", ["--run", "--limit"])
@pytest.mark.parametrize("number", ["9" * 19, "9" * 5000])
def test_numbers_beyond_any_database(marea: Marea, shop: Shop, option: str, number: str) -> None:
    done = marea("log", option, number)
    assert done.code == 2
    assert "is no number above zero of at most 18 digits" in done.err


@pytest.mark.unit
def test_moments() -> None:
    now = datetime(2026, 11, 5, 12, tzinfo=UTC)
    assert moment_of("90m", now) == now - timedelta(minutes=90)
    assert moment_of("2026-11-05T10:00:00+02:00", now) == datetime(2026, 11, 5, 8, tzinfo=UTC)
    day = moment_of("2026-11-05", now)
    assert day.tzinfo is not None
    assert moment_of("2026-11-05", now, end=True) - day == timedelta(days=1, microseconds=-1)
    for text in ("5 past", "999999w", "0001-01-01T00:00"):
        with pytest.raises(ConfigurationError, match="is no time"):
            moment_of(text, now)


def test_a_span_that_ends_before_it_begins_is_2(marea: Marea, shop: Shop) -> None:
    done = marea("log", "--since", "2026-02-01", "--until", "2026-01-01")
    assert (done.code, "--since 2026-02-01 is after --until 2026-01-01" in done.err) == (2, True)
    assert marea("log", "--since", "2026-02-01", "--until", "2026-02-01").code == 0


@pytest.mark.parametrize("words", [("--since", "999999w"), ("--until", "999999d")])
def test_a_time_before_all_times_is_a_usage_error(marea: Marea, shop: Shop, words: tuple[str, str]) -> None:
    done = marea("log", *words)
    assert (done.code, done.out) == (2, "")
    assert f"'{words[1]}' is no time" in done.err


@pytest.mark.parametrize("words", [("log", "--limit"), ("runs", "--limit"), ("log", "--run")])
@pytest.mark.parametrize("number", ["-1", "0", "1.5"])
def test_numbers_below_one(marea: Marea, shop: Shop, words: tuple[str, str], number: str) -> None:
    done = marea(*words, number)
    assert (done.code, done.out) == (2, "")
    assert f"'{number}' is no number above zero" in done.err


def test_what_was_looked_for_is_said_where_nothing_fits(marea: Marea, shop: Shop) -> None:
    done = marea("log", "--entity", "customers", "--field", "prize", "--run", "99")
    known = "known here: code, name, category, tax, credit, branches"
    assert done.out == (
        f"no entry fits: entity customers, run 99, field prize (the last run is 2; {known})\n"
    )
    assert done.code == 0
    assert 'did you mean "credit"?' in marea("log", "--field", "credits").out
    assert marea("log", "--field", "rate", "--run", "2").out == "no entry fits: run 2, field rate\n"
    done = marea("log", "--entity", "customer")
    assert done.code == 2
    assert done.err == 'there is no entity customer (did you mean "customers"?)\n'


def test_mistyped_words_are_told_the_nearest(marea: Marea, shop: Shop) -> None:
    assert marea("synk").err == 'there is no command "synk" (did you mean "sync"?)\n'
    assert 'did you mean "rejected"?' in marea("log", "--outcome", "rejectd").err
    assert 'did you mean "related table"?' in marea("log", "--cause", "relatd").err
    assert "known here: first load, full run, last-edit date" in marea("log", "--cause", "xyz").err
    plan = marea("plan", "--limt", "1")
    assert (plan.code, plan.err) == (
        2,
        'unrecognized arguments: --limt (did you mean "--limit"? see `marea plan --help`)\n',
    )
    assert 'did you mean "--json"?' in marea("status", "--jsn").err
    assert "(see `marea status --help`)" in marea("status", "--limit", "1").err
    assert "`marea plan` shows what a run would deliver" in marea("sync", "--dry-run").err
    assert "`marea plan`" in marea("sync", "--dry-run").err
    shop.configure("key: code, modified: modified}", "key: code, modified: modified, lag: 5m}")
    assert "it belongs one level up, beside `source`" in marea("check").err


def test_what_changed_in_a_list_or_came_where_nothing_was_is_told_before_and_after(
    marea: Marea, shop: Shop
) -> None:
    shop.erp(
        f"UPDATE branches SET city = 'Bari', modified = '{NOW}' WHERE branch = 'B2' AND customer = '00004'"
    )
    shop.erp(f"UPDATE customers SET tax = NULL, modified = '{NOW}' WHERE code = '00002'")
    marea("sync")
    shop.erp("UPDATE customers SET tax = '10', modified = '2022-01-02 00:00:00' WHERE code = '00002'")
    assert "    tax  null -> 10\n" in marea("plan", "customers").out
    marea("sync")
    assert "    tax  22 -> null\n" in marea("log", "--key", "1,00002", "--entity", "customers").out
    assert "      tax  null -> 10\n" in marea("explain", "customers", "1,00002").out
    told = marea("log", "--key", "1,00004", "--entity", "customers", "--cause", "related table").out
    assert "    branches row 2 city  Città B2 -> Bari\n" in told
    created = marea("log", "--key", "1,00004", "--entity", "customers", "--cause", "first load").out
    assert "    name      Name 00004\n" in created
