from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from by_hand import run_sql
from cli.conftest import Marea, Shop
from marea.config.load import load

pytestmark = pytest.mark.integration

MAGO = """
CREATE TABLE MA_CustSupp (CustSuppType INTEGER NOT NULL, CustSupp VARCHAR(12) NOT NULL,
  CompanyName VARCHAR(80), "Order" INTEGER, TBModified DATETIME NOT NULL,
  PRIMARY KEY (CustSuppType, CustSupp));
CREATE TABLE MA_CustSuppCustomerOptions (CustSuppType INTEGER NOT NULL, Customer VARCHAR(12) NOT NULL,
  TaxCode VARCHAR(4), TBModified DATETIME NOT NULL, PRIMARY KEY (CustSuppType, Customer));
CREATE TABLE MA_CustSuppBranches (CustSuppType INTEGER NOT NULL, CustSupp VARCHAR(12) NOT NULL,
  Branch VARCHAR(8) NOT NULL, City VARCHAR(40), PRIMARY KEY (CustSuppType, CustSupp, Branch));
CREATE TABLE MA_Log (Line TEXT);
INSERT INTO MA_CustSupp VALUES (1, '0815', 'Ferramenta', 3, '2026-01-01 10:00:00');
INSERT INTO MA_CustSuppCustomerOptions VALUES (1, '0815', '22', '2026-01-01 10:00:00');
INSERT INTO MA_CustSuppBranches VALUES (1, '0815', 'B1', 'Roma'), (1, '0815', 'B2', 'Bari');
"""

ODOO = """
CREATE TABLE category (id INTEGER PRIMARY KEY, name TEXT, parent_id INTEGER REFERENCES category (id));
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, category_id INTEGER REFERENCES category (id),
  create_date TIMESTAMP NOT NULL, write_date TIMESTAMP);
CREATE TABLE "order" (id INTEGER PRIMARY KEY, updated_at TIMESTAMP NOT NULL);
CREATE TABLE order_line (order_id INTEGER NOT NULL REFERENCES "order" (id), line INTEGER NOT NULL,
  product_id INTEGER REFERENCES product (id), quantity DECIMAL(10,2), PRIMARY KEY (order_id, line));
INSERT INTO category VALUES (1, 'Tools', NULL), (2, 'Hammers', 1);
INSERT INTO product VALUES (7, 'Hammer', 2, '2026-01-01 10:00:00', NULL);
INSERT INTO "order" VALUES (100, '2026-01-01 10:00:00');
INSERT INTO order_line VALUES (100, 1, 7, 2.50);
"""


def database(folder: Path, script: str) -> None:
    for statement in script.split(";"):
        if statement.strip():
            run_sql(f"sqlite:///{folder}/erp.db", statement)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAREA_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


# -- init ----------------------------------------------------------------------------------------


def test_each_configuration_is_given_a_state_of_its_own(marea: Marea, folder: Path) -> None:
    database(folder, ODOO)
    for name, state in (("marea", "marea.db"), ("shop", "shop.db"), ("erp", "erp-state.db")):
        done = marea("init", "--source", "sqlite:///erp.db", "--output", f"{name}.yaml")
        assert done.code == 0, done.err
        assert load(f"{name}.yaml", {}).state == f"sqlite:///{folder.resolve() / state}"


def test_a_mago_database_gives_a_file_that_runs_as_it_is(marea: Marea, folder: Path) -> None:
    database(folder, MAGO)
    done = marea("init", "--source", "sqlite:///erp.db", "--json")
    assert done.code == 0
    entities = done.document["entities"]
    assert list(entities) == ["cust_supp"]
    assert entities["cust_supp"]["key"] == ["CustSuppType", "CustSupp"]
    assert entities["cust_supp"]["modified"] == "TBModified"
    assert sorted(entities["cust_supp"]["related"]) == ["branches", "customer_options"]
    assert done.document["without_key"] == ["MA_Log"]
    assert marea("check").code == 0
    assert marea("sync", "--json").document["entities"]["cust_supp"]["created"] == 1
    columns = 'cust_supp, company_name, "order", customer_options_tax_code, branches'
    [(*row, branches)] = run_sql(f"sqlite:///{folder}/target.db", f"SELECT {columns} FROM cust_supp")
    assert row == ["0815", "Ferramenta", 3, "22"]
    assert [branch["city"] for branch in json.loads(str(branches))] == ["Roma", "Bari"]
    assert "tb_modified" not in (folder / "marea.yaml").read_text("utf-8")


def test_foreign_keys_become_lists_and_references(marea: Marea, folder: Path) -> None:
    database(folder, ODOO)
    done = marea("init", "--source", "sqlite:///erp.db", "--target", "sqlite:///shop.db", "--json")
    entities = done.document["entities"]
    assert list(entities) == ["category", "order", "product"]
    assert entities["product"]["modified"] == "coalesce(write_date, create_date)"
    assert entities["product"]["references"] == ["category"]
    assert entities["order"]["related"] == ["line"]
    assert entities["order"]["references"] == ["product"]
    settings = load("marea.yaml")
    assert list(settings.entities) == ["category", "order", "product"]
    done = marea("sync", "--json")
    assert done.code == 0
    assert {name: counts["created"] for name, counts in done.document["entities"].items()} == {
        "category": 2, "order": 1, "product": 1,
    }  # fmt: skip
    [(lines,)] = run_sql(f"sqlite:///{folder}/shop.db", 'SELECT line FROM "order"')
    assert json.loads(str(lines)) == [{"line": 1, "product_id": "7", "quantity": 2.5}]


def test_an_application_as_target_gets_the_defaults_of_rest(marea: Marea, folder: Path) -> None:
    database(folder, MAGO)
    url = "https://user:hush@crm.example.com/api"
    done = marea("init", "--source", "sqlite:///erp.db", "--target", url)
    text = (folder / "marea.yaml").read_text("utf-8")
    assert done.code == 0
    assert "upsert: {method: PUT" in text
    assert "object: cust-supp" in text.replace('"', "")
    assert "hush" not in text + done.out + done.err
    assert "https://user:${CRM_PASSWORD}@crm.example.com/api" in text
    assert load("marea.yaml", {"CRM_PASSWORD": "x"}).systems["crm"].connector == "rest"


def test_a_file_that_is_there_is_not_written_over(marea: Marea, folder: Path) -> None:
    database(folder, MAGO)
    (folder / "marea.yaml").write_text("mine", "utf-8")
    done = marea("init", "--source", "sqlite:///erp.db")
    assert done.code == 2
    assert "--force" in done.err
    assert (folder / "marea.yaml").read_text("utf-8") == "mine"
    assert marea("init", "--source", "sqlite:///erp.db", "--force").code == 0


def test_a_file_elsewhere_finds_the_database_all_the_same(marea: Marea, folder: Path) -> None:
    database(folder, MAGO)
    (folder / "etc").mkdir()
    assert marea("init", "--source", "sqlite:///erp.db", "--output", "etc/shop.yaml").code == 0
    done = marea("plan", "-c", "etc/shop.yaml")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("nowhere://erp", 2, "nowhere"),
        ("erp.db", 2, "no URL"),
        ("https://crm.example.com", 2, "target only"),
        ("postgresql://reader:hush@127.0.0.1:1/erp", 3, "127.0.0.1"),
    ],
)
def test_sources_that_cannot_be_read(marea: Marea, folder: Path, source: str, code: int, said: str) -> None:
    done = marea("init", "--source", source)
    assert done.code == code
    assert said in done.err
    assert "hush" not in done.err
    assert not (folder / "marea.yaml").exists()


LEGACY = """
CREATE TABLE clienti (codice TEXT PRIMARY KEY, upd DATETIME, "visto il" TIMESTAMP);
CREATE TABLE indirizzi (codice TEXT NOT NULL REFERENCES clienti (codice), riga INTEGER NOT NULL, citta TEXT,
  PRIMARY KEY (codice, riga));
CREATE TABLE articoli (codice TEXT PRIMARY KEY, data_modifica DATETIME);
CREATE TABLE listini (articolo TEXT NOT NULL REFERENCES articoli (codice), listino TEXT NOT NULL,
  PRIMARY KEY (articolo, listino));
INSERT INTO clienti VALUES ('1', '2026-01-01 10:00:00', NULL);
INSERT INTO indirizzi VALUES ('1', 1, 'Roma')
"""


def test_dates_of_other_names_are_offered_for_the_last_edit(marea: Marea, folder: Path) -> None:
    database(folder, LEGACY)
    done = marea("init", "--source", "sqlite:///erp.db")
    assert (
        "  clienti: clienti by codice; no last-edit date, unless one is upd or visto il; with indirizzi\n"
        in done.out
    )
    file = folder / "marea.yaml"
    text = file.read_text("utf-8")
    assert "      # modified: upd   # a date and time: set by every edit?\n" in text
    assert '      # modified: "visto il"   # a date and time: set by every edit?\n' in text
    entities = marea("init", "--source", "sqlite:///erp.db", "--force", "--json").document["entities"]
    assert {name: found["dates"] for name, found in entities.items()} == {
        "articoli": [], "clienti": ["upd", "visto il"],
    }  # fmt: skip
    file.write_text(text.replace("# modified: upd   #", "modified: upd   #"), "utf-8")
    assert load("marea.yaml").entities["clienti"].source.modified == "upd"
    assert marea("check").code == 0


def test_what_is_said_of_tables_without_a_date_is_what_runs_do(marea: Marea, folder: Path) -> None:
    database(folder, LEGACY)
    assert marea("init", "--source", "sqlite:///erp.db").code == 0
    listed = (folder / "marea.yaml").read_text("utf-8").partition("  clienti:")
    needs, reads = "so a change here alone needs a full run", "so every run reads the whole table"
    assert (listed[0].count(needs), listed[0].count(reads)) == (1, 0)
    assert (listed[2].count(needs), listed[2].count(reads)) == (0, 2)
    assert marea("sync", "clienti").code == 0
    run_sql(f"sqlite:///{folder}/erp.db", "UPDATE indirizzi SET citta = 'Bari'")
    assert marea("sync", "clienti", "--json").document["entities"]["clienti"]["updated"] == 1


def test_a_database_without_keys(marea: Marea, folder: Path) -> None:
    database(folder, "CREATE TABLE heap (line TEXT)")
    assert "no table there has a primary key" in marea("init", "--source", "sqlite:///erp.db").err


def test_postgresql(marea: Marea, folder: Path, postgresql_url: str) -> None:
    for statement in ODOO.split(";"):
        if statement.strip():
            run_sql(postgresql_url, statement)
    assert marea("init", "--source", postgresql_url).code == 0
    done = marea("sync", "--json")
    assert done.code == 0
    assert done.document["entities"]["order"]["created"] == 1


def test_init_says_what_to_set_first(
    marea: Marea, folder: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sql(postgresql_url, "CREATE TABLE parts (id INTEGER PRIMARY KEY)")
    with_password = re.sub(r"://([^:@/]+)(:[^@]*)?@", r"://\1:s3cr3t@", postgresql_url)
    variable = f"{postgresql_url.rpartition('/')[2].upper()}_PASSWORD"
    monkeypatch.delenv(variable, raising=False)
    done = marea("init", "--source", with_password)
    assert done.out.splitlines()[-2:] == [
        f"set {variable} first: the file holds no password",
        "next: marea check, marea plan, marea sync",
    ]
    assert f"{variable} is not set" in marea("check").err
    monkeypatch.setenv(variable, "s3cr3t")
    assert marea("check").code == 0


def test_init_takes_a_password_from_the_environment(
    marea: Marea, folder: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sql(postgresql_url, "CREATE TABLE parts (id INTEGER PRIMARY KEY)")
    url = re.sub(r"://([^:@/]+)(:[^@]*)?@", r"://\1:${ERP_PASSWORD}@", postgresql_url)
    monkeypatch.delenv("ERP_PASSWORD", raising=False)
    missing = marea("init", "--source", url)
    assert (missing.code, "ERP_PASSWORD is not set" in missing.err) == (2, True)
    monkeypatch.setenv("ERP_PASSWORD", "s3cr3t")
    done = marea("init", "--source", url)
    assert done.code == 0
    assert "first" not in done.out
    assert url in (folder / "marea.yaml").read_text("utf-8")
    assert marea("check").code == 0


def test_init_says_where_the_records_go_when_nobody_said_it(marea: Marea, folder: Path) -> None:
    database(folder, MAGO)
    assert (
        "without --target the records are copied to target.db\n"
        in marea("init", "--source", "sqlite:///erp.db").out
    )
    named = marea("init", "--source", "sqlite:///erp.db", "--target", "sqlite:///crm.db", "--force")
    assert "without --target" not in named.out


# -- check ---------------------------------------------------------------------------------------


def test_check_says_what_each_capture_promises(marea: Marea, shop: Shop) -> None:
    done = marea("check", "--json")
    assert done.code == 0
    found = done.document
    assert found["ok"] is True
    assert found["systems"]["erp"]["reachable"] is True
    tables = found["entities"]["customers"]["tables"]
    assert [table["relation"] for table in tables] == ["", "options", "branches"]
    assert {table["capture"] for table in tables} == {"watermark"}
    assert all(table["promise"]["direct_sql"].startswith("no, ") for table in tables)
    assert found["entities"]["customers"]["capture"] == "watermark"
    out = marea("check").out
    assert "  capture: watermark, because the entity goes by it already\n" in out
    assert "customers: watermark by modified" in out
    assert "  direct sql:   no, where it leaves the date alone" in out


def test_check_says_once_who_waits_for_a_run(marea: Marea, shop: Shop) -> None:
    assert marea("check").out.count("system erp (sqlite) answers; not in WAL mode: ") == 1
    apsw.Connection(str(shop.folder / "erp.db")).pragma("journal_mode", "wal")
    assert marea("check", "--json").document["systems"]["erp"]["message"] == ""


def test_check_warns_of_dates_that_hide_changes(marea: Marea, shop: Shop) -> None:
    shop.erp("UPDATE customers SET modified = NULL WHERE code = '00006'")
    done = marea("check", "--json")
    assert done.code == 0
    (warning,) = done.document["entities"]["customers"]["tables"][0]["warnings"]
    assert warning.startswith("1 of its rows has no last-edit date")
    out = marea("check").out
    assert f"    warning: {warning}\n" in out
    assert out.endswith("no faults, 1 warning\n")


def test_check_of_tables_without_a_date(marea: Marea, shop: Shop) -> None:
    shop.configure(", key: code, modified: modified}", ", key: code}")
    shop.configure(
        "on: {kind: kind, customer: code}, modified: modified}", "on: {kind: kind, customer: code}}"
    )
    entities = marea("check", "--json").document["entities"]
    assert [table["capture"] for table in entities["tax_codes"]["tables"]] == ["full read"]
    assert [table["capture"] for table in entities["customers"]["tables"]] == [
        "watermark", "none", "watermark",
    ]  # fmt: skip


def test_check_makes_no_table(marea: Marea, fresh: Shop) -> None:
    done = marea("check", "--json")
    assert done.code == 0
    assert "the first run makes it" in done.document["entities"]["customers"]["notes"][0]
    assert fresh.crm("SELECT name FROM sqlite_master") == []


def test_check_gathers_the_faults_of_all_entities(marea: Marea, shop: Shop) -> None:
    shop.configure("name: trim(name)", "name: trim(nome)")
    shop.configure("rate: rate", "rate: rat")
    shop.configure("where: kind = 1", "where: kin = 1")
    shop.configure("crm: {", "crm: {tuble: 3, ")
    done = marea("check", "--json")
    assert done.code == 2
    faults = done.document["faults"]
    assert [(fault["entity"], fault["field"]) for fault in faults] == [
        ("", "systems.crm.tuble"),
        ("customers", "source.where"),
        ("customers", "fields.name"),
        ("tax_codes", "fields.rate"),
    ]
    assert faults[0]["message"] == "sqlite takes no options"
    assert all(fault["line"] for fault in faults)
    assert len(done.err.splitlines()) == 4


def test_check_tells_all_that_is_wrong_with_an_entity_each_at_its_own_line(marea: Marea, shop: Shop) -> None:
    for old, new in (
        ("key: [kind, code]\n", "key: [kind, cod]\n"),
        ("kind = 1\n      modified: modified\n", "kind = 1\n      modified: edited\n"),
        ("{table: options, on: {kind: kind, customer: code}, modified: modified}",
         "{table: options, on: {kind: kind, custome: code}, modified: edited}"),
        ("name: trim(name)", "name: trim(name\n      sum: credit + name\n      up: upperr(name)"),
        ("category: options.category", "category: Hello World"),
        ("city: city", "city: trim(citi)"),
        ("checks:\n", "checks:\n      - {that: credits > 0, say: x}\n      - {that: code, say: x}\n"),
        ("table: tax_codes", "table: tax_code"),
    ):  # fmt: skip
        shop.configure(old, new)
    done = marea("check", "--json")
    assert done.code == 2
    lines = (shop.folder / "marea.yaml").read_text("utf-8").splitlines()
    told = [(f["entity"], f["field"], lines[f["line"] - 1].strip()) for f in done.document["faults"]]
    assert [(entity, place, line[:14]) for entity, place, line in told] == [
        ("customers", "source.key", "key: [kind, co"),
        ("customers", "source.modified", "modified: edit"),
        ("customers", "source.related.options.on", "options: {tabl"),
        ("customers", "source.related.options.modified", "options: {tabl"),
        ("customers", "fields.name", "name: trim(nam"),
        ("customers", "fields.sum", "sum: credit + "),
        ("customers", "fields.up", "up: upperr(nam"),
        ("customers", "fields.category", "category: Hell"),
        ("customers", "fields.branches.fields.city", "branches: {lis"),
        ("customers", "checks", "- {that: credi"),
        ("customers", "checks", "- {that: code,"),
        ("tax_codes", "source.table", "source: {syste"),
    ]
    hints = {fault["field"]: fault["hint"] for fault in done.document["faults"]}
    assert hints["fields.category"] == "a text to deliver as it is: \"'Hello World'\""


def test_a_check_that_names_a_column_is_told_of_its_field(marea: Marea, shop: Shop) -> None:
    shop.configure("object: accounts, key: code", "object: accounts, key: number")
    shop.configure("code: code\n", "number: code\n")
    shop.configure("credit >= 0", "code <> 'X'")
    (fault,) = marea("check", "--json").document["faults"]
    assert fault["message"] == "there is no field code in this entity"
    assert fault["hint"] == 'did you mean "number"? a check speaks of fields, not of columns'


def test_check_of_a_table_that_is_not_there_judges_what_does_not_need_it(marea: Marea, shop: Shop) -> None:
    shop.configure("table: customers", "table: custommers")
    shop.configure("{table: branches,", "{table: branchs,")
    shop.configure("name: trim(name)", "name: trim(name")
    shop.configure("category: options.category", "category: options.categori")
    shop.configure("credit >= 0", "credits >= 0")
    faults = marea("check", "--json").document["faults"]
    assert [fault["field"] for fault in faults] == [
        "source.table", "source.related.branches.table", "fields.name", "fields.category", "checks",
    ]  # fmt: skip


def test_faults_of_the_target_stand_at_their_lines(marea: Marea, shop: Shop) -> None:
    shop.configure("name: trim(name)", "name: trim(name)\n      extra: name")
    shop.configure(
        "object: tax_codes, key: code, create: true", "object: tax_codes, key: code, create: maybe"
    )
    done = marea("check", "--json")
    lines = (shop.folder / "marea.yaml").read_text("utf-8").splitlines()
    told = [(f["entity"], f["field"], lines[f["line"] - 1].strip()) for f in done.document["faults"]]
    assert told[0] == ("customers", "fields.extra", "extra: name")
    assert told[1][:2] == ("tax_codes", "target.create")
    assert "create: maybe" in told[1][2]


def test_check_of_a_target_that_cannot_hold_the_records(marea: Marea, shop: Shop) -> None:
    shop.configure("name: trim(name)", "name: trim(name)\n      extra: name")
    done = marea("check", "--json")
    assert done.code == 2
    assert "extra" in done.document["faults"][0]["message"]


def test_a_mistyped_option_is_told_once_where_it_stands(marea: Marea, fresh: Shop) -> None:
    erp, crm = '  erp: {url: "sqlite:///erp.db"}\n', '  crm: {url: "sqlite:///crm.db"}\n'
    fresh.configure(erp, '  erp:\n    url: "sqlite:///erp.db"\n    timezone: Europe/Rome\n')
    rest = "  crm:\n    url: http://127.0.0.1:1/api\n    connector: rest\n"
    fresh.configure(crm, rest + "    auth:\n      beaer: token\n    tiemout: 3\n    batch:\n      PLACE\n")
    fresh.configure(", create: true", "")
    fresh.configure("PLACE", "{size: 5, pth: /b}")
    fresh.configure("batch:\n      {", "batch: {")
    told = [
        (fault["line"], fault["field"], fault["message"])
        for fault in marea("check", "--json").document["faults"]
    ]
    assert told[:5] == [
        (6, "systems.erp.timezone", "sqlite takes no options"),
        (11, "systems.crm.auth.beaer", 'unknown option (did you mean "bearer"?)'),
        (12, "systems.crm.tiemout", 'unknown option (did you mean "timeout"?)'),
        (13, "systems.crm.batch.pth", 'unknown option (did you mean "path"?)'),
        (13, "systems.crm.batch", "path is missing"),
    ]
    fresh.configure("size: 5, pth: /b", "sze: 5, path: /b")
    faults = marea("check", "--json").document["error"]["faults"]
    (fault,) = [it for it in faults if "batch" in it["field"]]
    assert (fault["line"], fault["field"]) == (13, "systems.crm.batch.sze")
    assert fault["hint"] == 'did you mean "size"?'


def test_check_of_systems_that_are_away(marea: Marea, fresh: Shop) -> None:
    fresh.configure("sqlite:///crm.db", "postgresql://me:hush@127.0.0.1:1/crm")
    done = marea("check", "--json")
    assert done.code == 3
    assert done.document["systems"]["crm"]["reachable"] is False
    assert done.document["systems"]["erp"]["reachable"] is True
    assert "hush" not in done.out + done.err


def test_a_mistyped_file_is_a_fault_with_its_line_and_the_nearest_name(marea: Marea, shop: Shop) -> None:
    shop.configure("sqlite:///erp.db", "sqlite:///erpp.db")
    for command in ("check", "sync", "plan"):
        done = marea(command)
        assert done.code == 2
        said = r'marea\.yaml:4: systems\.erp\.url: there is no file \S+/erpp\.db \(did you mean "erp\.db"\?\)'
        assert len(re.findall(said, done.err)) == 1
        assert "run again" not in done.err
    assert (
        "system erp (sqlite) was not asked: that waits until the faults below are mended"
        in marea("check").out
    )
    done = marea("init", "--source", "sqlite:///erpp.db", "--output", "other.yaml")
    assert (done.code, "--source: there is no file" in done.err) == (2, True)


def test_a_folder_that_is_missing_is_away(marea: Marea, shop: Shop) -> None:
    shop.configure("sqlite:///erp.db", "sqlite:///share/erp.db")
    assert marea("check").code == 3
    assert marea("sync").code == 3


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_database_that_is_not_there_is_a_fault_with_its_line(
    marea: Marea, fresh: Shop, postgresql_url: str, role: str
) -> None:
    system, file, line = ("erp", "erp.db", 4) if role == "source" else ("crm", "crm.db", 5)
    fresh.configure(f"sqlite:///{file}", postgresql_url + "_nowhere")
    for command in ("check", "sync"):
        done = marea(command)
        assert done.code == 2
        assert f"marea.yaml:{line}: systems.{system}.url: " in done.err
        assert re.search(r'database "\w+_nowhere" does not exist \(correct the name', done.err)


def test_check_says_why_a_system_was_not_asked(marea: Marea, shop: Shop) -> None:
    shop.configure("systems:\n", "systems:\n  spare: {url: 'sqlite:///spare.db'}\n")
    assert "system spare (sqlite) was not asked: no entity uses it\n" in marea("check").out
    shop.configure("trim(name)", "trim(nom)")
    faulty = marea("check", "customers").out
    assert "system crm (sqlite) was not asked: that waits until the faults below are mended\n" in faulty
    shop.configure("sqlite:///erp.db", "postgresql://reader@127.0.0.1:1/erp")
    away = marea("check", "customers").out
    assert "system crm (sqlite) was not asked: that waits until the systems read from answer\n" in away


def test_faults_of_syntax_name_no_bracket_that_is_not_there(marea: Marea, shop: Shop) -> None:
    shop.configure("trim(name)", "trim(name")
    shop.configure("where: kind = 1", "where: kind =")
    said = marea("check", "customers").err
    assert "not an SQL expression: a bracket is not closed" in said
    assert "at its end" in said
    assert '")"' not in said


def test_check_of_an_application_that_is_away(marea: Marea, fresh: Shop) -> None:
    fresh.configure(
        'crm: {url: "sqlite:///crm.db"}',
        'crm: {url: "http://127.0.0.1:1/api", upsert: {method: PUT, path: "/{object}/{key}"}}',
    )
    fresh.configure(", create: true", "")
    done = marea("check", "--json")
    assert done.code == 3
    assert "nothing answers at 127.0.0.1:1" in done.document["systems"]["crm"]["message"]


def test_check_of_an_option_that_is_another_connectors(marea: Marea, fresh: Shop) -> None:
    """What `create: true` means is for the target to say, which need not be a database."""
    fresh.configure(
        'crm: {url: "sqlite:///crm.db"}',
        'crm: {url: "http://127.0.0.1:1/api", upsert: {method: PUT, path: "/{object}/{key}"}}',
    )
    done = marea("check")
    assert done.code == 2
    assert "cannot be a source" not in done.err
    assert "target.create" in done.err or "create: must be a mapping" in done.err


def test_a_fault_that_a_connector_finds_names_the_file(marea: Marea, fresh: Shop) -> None:
    """It knows the line of its system, and not of which file."""
    fresh.configure(
        'erp: {url: "sqlite:///erp.db"}', 'erp: {url: "https://erp.example.com", connector: rest}'
    )
    for command in ("check", "plan", "sync"):
        done = marea(command)
        assert done.code == 2
        assert re.search(r"^\S*marea\.yaml:\d+: system erp cannot be a source", done.err, re.MULTILINE)
        assert "\n:" not in done.err


def test_check_says_that_a_login_was_not_tried(marea: Marea, fresh: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/api"
        fresh.configure('crm: {url: "sqlite:///crm.db"}', f'crm: {{url: "{url}", auth: {{bearer: wrong}}}}')
        fresh.configure(", create: true", "")
        done, text = marea("check", "--json"), marea("check").out
    assert done.document["systems"]["crm"]["reachable"] is True
    assert "the login was not tried" in done.document["systems"]["crm"]["message"]
    assert "system crm (rest) answers; the login was not tried" in text
    assert text.count("the login was not tried") == 1


def test_check_of_a_state_that_is_away(marea: Marea, shop: Shop) -> None:
    shop.configure("version: 1", "version: 1\nstate: postgresql://me:hush@127.0.0.1:1/state")
    done = marea("check", "--json")
    assert done.code == 3
    assert done.document["systems"]["state"]["reachable"] is False
    assert "hush" not in done.out + done.err


def test_check_of_a_state_that_is_damaged(marea: Marea, shop: Shop) -> None:
    for file in shop.folder.glob("marea.db*"):
        file.unlink()
    (shop.folder / "marea.db").write_text("no database")
    done = marea("check", "--json")
    assert done.code == 2
    assert "damaged" in done.document["faults"][0]["message"]


def test_check_lists_what_is_accepted_and_not_acted_on(marea: Marea, shop: Shop) -> None:
    shop.configure("entities:\n", "defaults: {schedule: every 15m, scan: daily 03:00}\nentities:\n")
    notes = marea("check", "--json").document["notes"]
    assert [note.split(" ")[0] for note in notes] == ["schedule", "scan"]


# -- schema --------------------------------------------------------------------------------------


def test_the_schema_is_one_document(marea: Marea) -> None:
    assert marea("schema", "--json").document["properties"]["entities"]
    assert marea("schema").document == marea("schema", "--json").document


def test_the_schema_needs_no_configuration(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "marea", "schema"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0


def test_check_looks_only_at_the_entities_that_are_named(marea: Marea, shop: Shop) -> None:
    shop.configure("systems:", 'systems:\n  other: {url: "sqlite:///nowhere/other.db"}')
    shop.configure("table: tax_codes,", "table: nothing,")
    whole = marea("check", "--json")
    assert (whole.code, len(whole.document["faults"])) == (2, 1)
    assert list(whole.document["systems"]) == ["other", "erp", "crm"]
    one = marea("check", "customers", "--json")
    assert one.code == 0
    assert list(one.document["entities"]) == ["customers"]
    assert list(one.document["systems"]) == ["erp", "crm"]
    done = marea("check", "custommers", "--json")
    assert done.code == 2
    assert 'did you mean "customers"?' in done.document["error"]["message"]
