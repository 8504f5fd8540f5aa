from __future__ import annotations

from contextlib import closing

import apsw
import pytest

from cli.conftest import Marea, Shop
from cli.shapes import check_run

pytestmark = pytest.mark.integration


def test_the_document_is_the_documented_one(marea: Marea, fresh: Shop) -> None:
    done = marea("sync", "--json")
    assert done.code == 1
    check_run(done.document)
    assert done.document["kind"] == "incremental"
    assert done.document["status"] == "partial"
    assert done.document["entities"]["tax_codes"]["created"] == 2
    assert done.err == ""


def test_nothing_to_do(marea: Marea, fresh: Shop) -> None:
    marea("sync", "tax_codes")
    done = marea("sync", "tax_codes")
    assert done.code == 0
    assert "nothing to do" in done.out
    assert marea("sync", "tax_codes", "--json").document["status"] == "succeeded"


def test_rows_without_a_key_are_in_the_document(marea: Marea, fresh: Shop) -> None:
    fresh.erp(
        "INSERT INTO tax_codes VALUES (NULL, 1, '2020-01-01 00:00:00'), (NULL, 2, '2020-01-01 00:00:00')"
    )
    done = marea("sync", "tax_codes", "--json")
    assert "tax_codes: 2 rows have no key" in done.err
    assert done.document["entities"]["tax_codes"]["skipped"] == {"without a key, left out": 2}
    [run] = marea("runs", "--json").document
    assert run["entities"]["tax_codes"]["skipped"] == {"without a key, left out": 2}


def test_the_summary_groups_the_reasons_and_names_the_next_commands(marea: Marea, fresh: Shop) -> None:
    fresh.erp("UPDATE customers SET name = '' WHERE code IN ('00007', '00008')")
    out = marea("sync").out
    assert "14 detected: 10 created, 3 rejected, 1 waiting" in out
    assert "3 x customers: name is required and empty" in out
    assert '1 x customers: tax_codes "98" is not in the target yet' in out
    assert "marea log --run 1 --outcome rejected" in out
    assert "marea explain customers 1,0000" in out


def test_reasons_that_differ_in_values_alone_are_told_together(marea: Marea, fresh: Shop) -> None:
    fresh.erp("UPDATE customers SET tax = code WHERE code IN ('00004', '00005')")
    out = marea("sync").out
    assert "3 x customers: tax_codes" in out
    assert "is not in the target yet, and the like" in out


def test_every_entity_is_among_the_reasons(marea: Marea, fresh: Shop) -> None:
    for number in range(5):
        word = "x" * (number + 1)
        fresh.configure(
            "    checks:\n", f"    checks:\n      - {{that: \"name <> '{word}'\", say: No {word}}}\n"
        )
        codes = f"'{2 * number + 2:05}', '{2 * number + 3:05}'"
        fresh.erp(f"UPDATE customers SET name = '{word}', tax = '22' WHERE code IN ({codes})")
    fresh.erp("INSERT INTO tax_codes VALUES ('77', NULL, '2020-01-01 00:00:00')")
    fresh.configure("rate: rate}", "rate: rate}\n    require: [rate]")
    out = marea("sync").out.split(" rejected:\n")[1]
    assert "1 x tax_codes: rate is required and empty" in out
    assert "2 x customers: No xxxxx" in out
    assert "… and 1 other reason\n" in out


def test_what_an_earlier_run_found_is_told_with_its_reason(marea: Marea, shop: Shop) -> None:
    waiting = marea("sync", "--full").out.split("1 record waiting:\n")[1]
    assert waiting.splitlines() == [
        '  1 x customers: tax_codes "98" is not in the target yet',
        "  see them: marea log --outcome waiting (an earlier run found them)",
        "  see one:  marea explain customers 1,00003",
    ]


def test_run_again_is_said_once(marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marea.connectors.sqlite.file.BUSY_MS", 20)
    shop.erp("UPDATE customers SET name = 'New', modified = CURRENT_TIMESTAMP WHERE code = '00004'")
    with closing(apsw.Connection(str(shop.folder / "crm.db"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = marea("sync")
    assert done.code == 3
    [said] = done.err.splitlines()
    assert (said.count("run again"), said.count("nothing is lost")) == (1, 1)
    first, *rows = done.out.splitlines()
    assert "interrupted" in first
    assert rows == ["  tax_codes  nothing to do", "  customers  not reached"]


def test_a_run_without_trouble_does_not_hide_what_earlier_runs_left(marea: Marea, shop: Shop) -> None:
    done = marea("sync")
    assert done.code == 1
    assert "2 records of earlier runs not in order: marea status, marea retry" in done.err
    assert marea("sync", "tax_codes").code == 0
    told = marea("sync", "--json")
    assert (told.code, told.document["left"], told.document["status"]) == (1, 2, "succeeded")
    chosen = marea("sync", "customers", "--key", "1,00006", "--json")
    assert (chosen.code, chosen.document["left"]) == (0, 0)
    full = marea("sync", "--full", "--json")
    assert (full.code, full.document["left"], full.document["status"]) == (1, 0, "partial")


def test_a_key_that_nobody_knows_is_one_sentence_and_2(marea: Marea, shop: Shop) -> None:
    done = marea("sync", "customers", "--key", "1,nobody")
    assert (done.code, done.out) == (2, "")
    [said] = done.err.splitlines()
    assert "customers: 1,nobody is not in the source, and no run has ever seen it" in said
    assert "is it spelled as in table customers?" in said
    assert marea("retry", "customers", "--key", "1,nobody").code == 2
    assert marea("plan", "customers", "--key", "1,nobody").code == 2


def test_a_key_outside_the_filter_is_told_with_the_filter(marea: Marea, shop: Shop) -> None:
    done = marea("sync", "customers", "--key", "2,S1")
    assert done.code == 2
    assert "outside the filter `kind = 1`" in done.err


def test_a_waiting_record_that_left_the_source_is_deleted(marea: Marea, shop: Shop) -> None:
    shop.erp("DELETE FROM customers WHERE code = '00003'")
    done = marea("retry", "customers", "--key", "1,00003", "--json")
    counts = done.document["entities"]["customers"]
    assert (done.code, counts["detected"], counts["deleted"]) == (0, 1, 1)
    explained = marea("explain", "customers", "1,00003").out
    assert "customers 1,00003 is not in the source any more, and crm has nothing of it by Marea" in explained


def test_full_finds_what_no_date_tells(marea: Marea, shop: Shop) -> None:
    assert marea("sync", "--json").document["entities"]["customers"]["updated"] == 0
    full = marea("sync", "--full", "--json").document
    assert full["kind"] == "full"
    assert full["entities"]["customers"]["updated"] == 1
    assert full["entities"]["customers"]["created"] == 1


@pytest.mark.parametrize("key", ["1,00006", '[1,"00006"]', '["1", "00006"]'])
def test_one_record_by_its_key(marea: Marea, shop: Shop, key: str) -> None:
    counts = marea("sync", "customers", "--key", key, "--json").document["entities"]["customers"]
    assert (counts["detected"], counts["updated"]) == (1, 1)


def test_several_keys(marea: Marea, shop: Shop) -> None:
    words = ("sync", "customers", "--key", "1,00006", "--key", "1,N2", "--json")
    counts = marea(*words).document["entities"]["customers"]
    assert (counts["created"], counts["updated"]) == (1, 1)


def test_where_is_the_sources_own_sql(marea: Marea, shop: Shop) -> None:
    done = marea("sync", "customers", "--where", "name LIKE 'By %'", "--json")
    assert done.document["entities"]["customers"]["updated"] == 1
    wrong = marea("sync", "customers", "--where", "nome = 1")
    assert wrong.code == 2
    assert "nome" in wrong.err
    assert [run["run"] for run in marea("runs", "--json").document] == ["3", "2", "1"]
    assert marea("plan", "customers", "--where", "nome = 1").code == 2


def test_resend_delivers_what_is_equal(marea: Marea, shop: Shop) -> None:
    counts = marea("sync", "tax_codes", "--resend", "--json").document["entities"]["tax_codes"]
    assert counts["updated"] == 2


def test_only_failed_and_retry_read_what_is_not_in_order(marea: Marea, shop: Shop) -> None:
    done = marea("sync", "--only-failed", "--json")
    assert done.code == 1
    assert done.document["entities"]["customers"]["detected"] == 2
    shop.erp("UPDATE customers SET name = 'Named again' WHERE code = '00001'")
    again = marea("retry", "--json")
    check_run(again.document)
    assert again.document["entities"]["customers"]["updated"] == 1
    assert marea("log", "--outcome", "updated", "--json").document[0]["cause"] == "retry"


def test_retry_of_one_record(marea: Marea, shop: Shop) -> None:
    done = marea("retry", "customers", "--key", "1,00003", "--json")
    counts = done.document["entities"]["customers"]
    assert (counts["detected"], counts["waiting"]) == (1, 1)
    assert "an earlier run" in marea("retry", "customers", "--key", "1,00003").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sync", "custommers"), 'did you mean "customers"?'),
        (("sync", "--key", "1,00006"), "within one entity"),
        (("sync", "customers", "--key", "00006"), "kind, code"),
        (("sync", "customers", "--key", "one,00006"), "'one' is no value of key column kind"),
        (("sync", "--where", "1 = 1"), "within one entity"),
        (
            ("sync", "customers", "--key", "1,00006", "--where", "1 = 1"),
            "--where and --key do not go together",
        ),
        (("sync", "customers", "--where", "1 = 1", "--only-failed"), "--where and --only-failed do not"),
        (("sync", "--full", "--only-failed"), "--full and --only-failed do not go together"),
        (("plan", "customers", "--key", "1,00006", "--full"), "--full and --key do not go together"),
        (("sync", "customers", "--full", "--where", "1 = 1", "--resend"), "--full and --where do not go"),
        ((), "no command is named"),
    ],
)
def test_words_that_mean_nothing(marea: Marea, shop: Shop, words: tuple[str, ...], said: str) -> None:
    done = marea(*words, "--json")
    assert done.code == 2
    assert said in done.err
    assert done.document["error"]["code"] == "configuration"
