from __future__ import annotations

import re

import pytest

from cli.conftest import Marea, Shop
from cli.shapes import check_counts

pytestmark = pytest.mark.integration


def test_entities_are_told_in_the_order_they_run_in_whatever_the_file_has(marea: Marea, fresh: Shop) -> None:
    order = ["tax_codes", "customers"]
    file = (fresh.folder / "marea.yaml").read_text("utf-8")
    assert file.index("customers:") < file.index("tax_codes:")
    assert list(marea("plan", "--json").document["entities"]) == order
    assert list(marea("sync", "--json").document["entities"]) == order
    assert list(marea("sync", "customers", "tax_codes", "--full", "--json").document["entities"]) == order
    status = marea("status", "--json").document
    assert list(status["entities"]) == order
    assert [list(run["entities"]) for run in status["runs"]] == [order] * 2
    assert [list(run["entities"]) for run in marea("runs", "--json").document] == [order] * 2
    assert list(marea("check", "--json").document["entities"]) == order


def test_status_as_a_document(marea: Marea, shop: Shop) -> None:
    done = marea("status", "--json")
    assert done.code == 0
    customers = done.document["entities"]["customers"]
    assert customers["records"] == {"aligned": 11, "due": 2, "gone": 0, "lapsed": 0}
    assert customers["backlog"] == {"rejected": 1, "waiting": 1}
    assert customers["loaded"] == "loaded"
    assert customers["position_moved_at"].endswith("Z")
    assert [run["run"] for run in done.document["runs"]] == ["2", "1"]


def test_status_as_text(marea: Marea, shop: Shop) -> None:
    out = marea("status").out
    assert "1 rejected, 1 waiting" in out
    assert "run 2" in out


def test_what_is_at_the_target_is_counted_apart(marea: Marea, fresh: Shop) -> None:
    marea("sync")
    customers = marea("status", "--json").document["entities"]["customers"]
    assert sum(customers["records"].values()) == 14
    assert [(customers["delivered"],)] == fresh.crm("SELECT count(*) FROM accounts")
    assert customers["delivered"] == 12
    header, _, line, *_ = marea("status").out.splitlines()
    assert "records  delivered  not in order" in header
    assert line.split()[:5] == ["customers", "erp", "crm", "14", "12"]


def test_nothing_was_ever_done(marea: Marea, fresh: Shop) -> None:
    assert "never synchronized" in marea("status").out
    assert marea("runs", "--json").document == []
    assert "no runs yet" in marea("runs").out
    assert not (fresh.folder / "marea.db").exists()


def test_a_changed_mapping_is_told(marea: Marea, shop: Shop) -> None:
    shop.configure("trim(name)", "upper(name)")
    assert marea("status", "--json").document["entities"]["customers"]["mapping_changed"] is True
    assert "mapping changed" in marea("status").out


def test_runs(marea: Marea, shop: Shop) -> None:
    marea("sync", "tax_codes", "--full")
    done = marea("runs", "--limit", "2", "--json")
    assert [run["run"] for run in done.document] == ["3", "2"]
    newest = done.document[0]
    assert list(newest) == [
        "run", "kind", "cause", "status", "started", "ended", "seconds", "message", "entities",
    ]  # fmt: skip
    assert (newest["kind"], newest["cause"], newest["status"]) == ("full", "sync --full", "succeeded")
    check_counts(newest["entities"]["tax_codes"], "seconds")
    assert "tax_codes: 2 detected: 2 unchanged" in marea("runs").out


@pytest.mark.parametrize(
    "words", [("status",), ("runs",), ("log",), ("log", "--entity", "customers", "--key", "1,00001")]
)
def test_what_asks_no_system_needs_no_secret(
    marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("ERP_PASSWORD", raising=False)
    shop.configure("sqlite:///erp.db", "postgresql://reader:${ERP_PASSWORD}@127.0.0.1:1/erp")
    assert "ERP_PASSWORD is not set" in marea("sync").err
    alone = marea(*words)
    assert (alone.code, alone.err) == (0, "")
    monkeypatch.setenv("ERP_PASSWORD", "s3cr3t")
    assert marea("sync").code == 3  # remembered from here
    monkeypatch.delenv("ERP_PASSWORD")
    assert marea(*words, "--json").code == 0
    assert marea("sync").code == 2


@pytest.fixture
def without_erp_password(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("ERP_PASSWORD", raising=False)
    shop.configure("sqlite:///erp.db", "postgresql://reader:${ERP_PASSWORD}@127.0.0.1:1/erp")
    return shop


WHY = "the environment variable ERP_PASSWORD is not set (set ERP_PASSWORD before starting marea)"


def test_explain_tells_what_the_state_knows_without_the_secret_of_the_source(
    marea: Marea, without_erp_password: Shop
) -> None:
    done = marea("explain", "customers", "1,00001")
    assert (done.code, done.err) == (0, "")
    rejected, *steps = done.out.splitlines()
    assert rejected == (
        "customers 1,00001 is rejected: name is required and empty; the source erp was not asked: " + WHY
    )
    assert "  -> mend it in the source" in steps
    assert "in the source erp now: not asked" in steps
    assert any(line.startswith("in the ledger: due") for line in steps)
    assert any(line.endswith("run 2  rejected (last-edit date)") for line in steps)
    document = marea("explain", "customers", "1,00005", "--json").document
    assert document["verdict"].startswith("customers 1,00005 was last delivered to crm on ")
    assert (document["source"]["found"], document["source"]["message"]) == ("not asked", WHY)
    assert (document["now"], document["ledger"]["state"]) == (None, "aligned")
    waits = marea("explain", "customers", "1,00003", "--json").document
    assert "marea explain tax_codes 98" in waits["steps"]
    strange = marea("explain", "customers", "1,nobody", "--json")
    assert (strange.code, strange.document["ledger"]) == (0, None)


@pytest.mark.parametrize(
    "crm",
    [
        '{url: "postgresql://writer:${CRM_PASSWORD}@127.0.0.1:1/crm"}',
        '{url: "https://127.0.0.1:1", auth: {bearer: "${CRM_PASSWORD}"}}',
        '{url: "${CRM_PASSWORD}"}',
    ],
)
def test_explain_asks_the_source_without_the_secret_of_the_target(
    marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch, crm: str
) -> None:
    monkeypatch.delenv("CRM_PASSWORD", raising=False)
    file = shop.folder / "marea.yaml"
    text = re.sub(r"crm: \{url: .*\}", lambda _: f"crm: {crm}", file.read_text("utf-8"))
    file.write_text(text.replace(", create: true", ""), "utf-8")
    done = marea("explain", "customers", "1,00006", "--json")
    assert done.code == 0
    assert done.document["now"]["outcome"] == "updated"
    assert marea("sync").code == 2


def test_a_file_with_a_mistake_is_told_by_what_asks_no_system_too(marea: Marea, shop: Shop) -> None:
    shop.configure("sqlite:///erp.db", "sqlit:///${ERP_FILE}")
    shop.configure("require: [name]", "require: [nam]")
    done = marea("status")
    assert done.code == 2
    assert "nam" in done.err


def test_only_the_entities_that_are_named(marea: Marea, shop: Shop) -> None:
    assert list(marea("status", "tax_codes", "--json").document["entities"]) == ["tax_codes"]
    text = marea("status", "tax_codes").out
    assert "tax_codes" in text.splitlines()[1]
    assert not any(line.startswith("customers") for line in text.splitlines())
    done = marea("status", "custommers")
    assert (done.code, done.out) == (2, "")
    assert 'there is no entity custommers (did you mean "customers"?)' in done.err
