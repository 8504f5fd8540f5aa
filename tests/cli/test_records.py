from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cli.conftest import Marea, Shop
from cli.shapes import check_entry

pytestmark = pytest.mark.integration

ABOUT = {
    "1,00000": "was last delivered to crm as the source has it now",
    "1,00001": "is rejected: name is required and empty",
    "1,00003": "waits for tax_codes 98, which was not delivered to crm: it is not in the source",
    "1,00006": "was changed without a last-edit date (name)",
    "1,N2": "is in the source but was never delivered",
    "1,XX": "is not in the source",
    "2,S1": "is in the source but outside the filter `kind = 1`",
}


@pytest.mark.parametrize("key", ABOUT)
def test_where_a_record_stands_is_the_first_line(marea: Marea, shop: Shop, key: str) -> None:
    done = marea("explain", "customers", key)
    assert done.code == 0
    first, second, *_ = done.out.splitlines()
    assert ABOUT[key] in first
    assert second.startswith("  -> ") or key == "1,00000"


def test_the_document(marea: Marea, shop: Shop) -> None:
    found = marea("explain", "customers", "1,00001", "--json").document
    assert list(found) == [
        "entity", "key", "target", "verdict", "steps", "source", "now", "ledger", "entries",
    ]  # fmt: skip
    assert found["key"] == [1, "00001"]
    assert found["source"]["row"]["tax"] == "22"
    assert found["source"]["related"]["options"] == [{"category": "A"}]
    assert found["now"]["changes"] == {"name": ["Name 00001", ""]}
    assert found["ledger"]["state"] == "due"
    assert found["ledger"]["target_id"] == "00001"
    assert found["ledger"]["trouble"]["outcome"] == "rejected"
    assert [entry["outcome"] for entry in found["entries"]] == ["rejected", "created"]
    for entry in found["entries"]:
        check_entry(entry)


def test_a_waiting_record_names_its_parent(marea: Marea, shop: Shop) -> None:
    found = marea("explain", "customers", "1,00003", "--json").document
    assert found["now"]["waits_for"] == {"entity": "tax_codes", "key": "98"}
    assert found["now"]["changes"] == {"tax": ["22", '(tax_codes "98")']}


def test_a_record_nobody_has_seen(marea: Marea, fresh: Shop) -> None:
    found = marea("explain", "customers", "1,00000", "--json").document
    assert "never been synchronized" in found["verdict"]
    assert found["ledger"] is None
    assert found["entries"] == []
    assert not (fresh.folder / "marea.db").exists()


def test_a_source_that_is_away_leaves_what_is_known(marea: Marea, shop: Shop) -> None:
    shop.configure("sqlite:///erp.db", "postgresql://127.0.0.1:1/erp")
    done = marea("explain", "customers", "1,00000", "--json")
    assert done.code == 0
    assert done.document["source"]["found"] == "away"
    assert done.document["ledger"]["payload"]["name"] == "Name 00000"
    assert len(done.document["entries"]) == 2


def test_values_of_private_fields_are_shown_nowhere(marea: Marea, shop: Shop) -> None:
    shop.configure("    require: [name]", "    private: [credit]\n    require: [name]")
    shop.erp("UPDATE customers SET credit = 4711, modified = CURRENT_TIMESTAMP WHERE code = '00002'")
    planned = marea("plan", "customers", "--json")
    marea("sync")
    shown = [
        planned.out,
        marea("explain", "customers", "1,00002", "--json").out,
        marea("explain", "customers", "1,00002").out,
        marea("log", "--json").out,
        marea("log").out,
    ]
    assert all("(private)" in text for text in shown)
    assert not any("4711" in text for text in shown)


def test_touch_sets_the_date_of_the_entitys_rows(marea: Marea, shop: Shop) -> None:
    marea("sync")
    where = "name LIKE 'By %' OR code = 'S1'"
    counted = marea("touch", "customers", "--where", where, "--dry-run", "--json")
    assert counted.document == {
        "entity": "customers", "table": "customers", "column": "modified", "rows": 1, "outside": 0,
        "dry_run": True,
    }  # fmt: skip
    assert marea("sync", "--json").document["entities"]["customers"]["updated"] == 0
    done = marea("touch", "customers", "--where", where)
    assert done.code == 0
    assert "1 row of customers touched" in done.out
    assert marea("sync", "--json").document["entities"]["customers"]["updated"] == 1


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_touch_that_meets_no_row_says_what_it_met_instead(
    marea: Marea, shop: Shop, words: tuple[str, ...]
) -> None:
    nothing = marea("touch", "customers", "--where", "code = 'nobody'", *words)
    assert nothing.out == "no row of customers fulfils this\n"
    one = marea("touch", "customers", "--where", "code = 'S1'", *words)
    assert one.out == "no row of customers fulfils this; 1 row of customers does but is outside `where`\n"
    document = marea("touch", "customers", "--where", "code = 'S1'", "--json", *words).document
    assert (document["rows"], document["outside"]) == (0, 1)


def test_text_tells_local_time_and_documents_utc(
    marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        shop.erp("DELETE FROM customers WHERE code = '00000'")
        text = marea("explain", "customers", "1,00000").out
        document = marea("explain", "customers", "1,00000", "--json").document
        at = datetime.fromisoformat(document["entries"][0]["at"])
        tokyo = at.astimezone(ZoneInfo("Asia/Tokyo"))
        assert f"on {tokyo:%Y-%m-%d %H:%M}, and not deleted" in text
        assert f"{tokyo:%Y-%m-%d %H:%M:%S}  run 2" in text
        assert f"on {at:%Y-%m-%d %H:%M} UTC, and not deleted" in document["verdict"]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      modified: modified\n", "      modified: coalesce(modified, modified)\n", "is an expression"),
        ("      modified: modified\n", "", "has no last-edit date"),
        ("      modified: modified\n", "      modified: credit\n", "holds no time"),
    ],
)
def test_touch_of_what_cannot_be_set(marea: Marea, shop: Shop, old: str, new: str, said: str) -> None:
    shop.configure(old, new)
    done = marea("touch", "customers", "--where", "1 = 1")
    assert done.code == 2
    assert said in done.err


def test_touch_with_a_condition_the_source_does_not_take(marea: Marea, shop: Shop) -> None:
    done = marea("touch", "customers", "--where", "nome = 1")
    assert done.code == 2
    assert "nome" in done.err


def test_what_decides_whether_a_record_is_meant_is_shown_unless_it_is_private(
    marea: Marea, shop: Shop
) -> None:
    shop.configure("where: kind = 1\n", "where: kind = 1 AND credit < 1000\n")
    shop.erp("UPDATE customers SET credit = 4711 WHERE code = '00000'")
    row = marea("explain", "customers", "1,00000", "--json").document["source"]["row"]
    assert (row["kind"], row["credit"], row["modified"][:4]) == (1, 4711, "2021")
    text = marea("explain", "customers", "1,00000").out
    assert "has left the filter `kind = 1 AND credit < 1000`" in text
    assert "in the ledger: last delivered, target id 00000, run 2" in text
    shop.configure("    require: [name]", "    private: [credit]\n    require: [name]")
    assert "4711" not in marea("explain", "customers", "1,00000").out


def test_a_record_that_was_rejected_and_is_gone_is_no_misspelling(marea: Marea, shop: Shop) -> None:
    shop.erp("INSERT INTO customers VALUES (1, 'R', '', '22', 1, '2022-01-01 00:00:00')")
    marea("sync")
    shop.erp("DELETE FROM customers WHERE code = 'R'")
    out = marea("explain", "customers", "1,R").out
    assert out.startswith("customers 1,R is not in the source any more, and crm has nothing of it by Marea\n")
    assert "spelled" not in out
    assert "in the log, newest first:" in out


def test_an_empty_text_is_told_from_none(marea: Marea, shop: Shop) -> None:
    out = marea("explain", "customers", "1,00001").out
    assert 'name  Name 00001 -> ""' in out
    shop.erp("UPDATE customers SET name = NULL WHERE code = '00001'")
    assert "name  Name 00001 -> null" in marea("explain", "customers", "1,00001").out


def test_no_value_steers_the_terminal(marea: Marea, shop: Shop) -> None:
    shop.erp("INSERT INTO customers VALUES (1, 'e' || char(27) || '[2J', 'x', '22', 1, CURRENT_TIMESTAMP)")
    plain = marea("plan", "customers")
    sync = marea("sync", "customers")
    assert sync.code in (0, 1)
    for done in (plain, sync, marea("explain", "customers", "1,e\x1b[2J"), marea("log"), marea("status")):
        assert "\x1b" not in done.out + done.err
    assert "target id e [2J" in marea("explain", "customers", "1,e\x1b[2J").out


def test_a_damaged_source_is_told_with_the_file_that_names_it(marea: Marea, shop: Shop) -> None:
    (shop.folder / "erp.db").write_bytes(b"this is a letter, not a database, and long enough" * 20)
    done = marea("touch", "customers", "--where", "1 = 1")
    assert (done.code, "marea.yaml:4: " in done.err) == (2, True)


def test_how_many_records_wait_for_one_whatever_their_entity(marea: Marea, shop: Shop) -> None:
    fields = "fields: {code: code, rate: rate}"
    shop.configure(fields, f"{fields}\n    require: [rate]")
    shop.erp("INSERT INTO tax_codes VALUES ('98', NULL, CURRENT_TIMESTAMP)")
    assert marea("sync").code == 1
    assert "\n  1 record waits for it\n" in marea("explain", "tax_codes", "98").out
