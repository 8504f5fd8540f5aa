from __future__ import annotations

from pathlib import Path

import pytest

from marea.config.load import load
from marea.config.settings import (
    CheckSettings,
    DeletesSettings,
    GuardSettings,
    ListField,
    ReferenceField,
    ScalarField,
    Schedule,
    Window,
)
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
DOCUMENTED = HERE / "documented.yaml"
SECRETS = {"CRM_TOKEN": "s3cr3t"}


def test_the_documented_example_becomes_settings() -> None:
    settings = load(DOCUMENTED, SECRETS)
    customers = settings.entities["customers"]

    assert list(settings.entities) == ["tax_codes", "customers"]
    assert settings.state == f"sqlite:///{HERE}/marea.db"
    assert customers.source.key == ("CustSuppType", "CustSupp")
    assert customers.source.capture == "auto"
    assert [relation.name for relation in customers.source.related] == ["options", "branches"]
    assert customers.source.related[0].on == (("CustSuppType", "CustSuppType"), ("Customer", "CustSupp"))
    assert customers.source.related[1].many
    assert customers.source.related[1].order == ("Branch",)
    assert customers.fields[1] == ScalarField("name", "trim(CompanyName)", 54)
    assert customers.fields[3] == ReferenceField("tax_code", "tax_codes", ("options.TaxCode",), 56)
    assert customers.fields[4] == ListField(
        "branches", "branches", (ScalarField("code", "Branch", 57), ScalarField("city", "City", 57)), 57
    )
    assert customers.require == ("code", "name")
    assert customers.checks == (
        CheckSettings("length(vat_number) = 11", "An Italian VAT number has 11 digits", 60),
    )
    assert customers.deletes == DeletesSettings("propagate")
    assert customers.guard == GuardSettings(0.1, 100)
    assert customers.lag == 0
    assert customers.schedule == Schedule(every=900)
    assert customers.scan == Schedule(days=(0, 1, 2, 3, 4, 5, 6), at=180)
    assert customers.line == 32


def test_a_system_keeps_what_its_connector_reads_and_nothing_else() -> None:
    crm = load(DOCUMENTED, SECRETS).systems["crm"]

    assert (crm.connector, crm.url) == ("rest", "https://crm.example.com/api")
    assert crm.options == {
        "auth": {"bearer": "s3cr3t"},
        "upsert": {"method": "PUT", "path": "/{object}/{key}"},
        "delete": {"method": "DELETE", "path": "/{object}/{key}"},
        "read": {"method": "GET", "path": "/{object}/{key}"},
        "batch": {"method": "POST", "path": "/{object}/batch", "size": 500},
        "concurrency": 8,
        "rate": "50/s",
    }
    assert crm.maintenance == (Window((6,), 120, 240),)


TEN = [
    (5, "", "systems.erp.url", "no connector serves a URL that begins with postgress://"),
    (8, "", "systems.crm.auth.bearer", "the environment variable CRM_TOKEN is not set"),
    (9, "", "systems.crm.batch.size", "is missing"),
    (10, "", "systems.crm.rate", "must be a rate above zero"),
    (14, "tax_codes", "source.system", 'there is no system "epr"'),
    (16, "tax_codes", "feilds", "there is no such key"),
    (24, "customers", "source.capture", '"watermrk" is not possible here'),
    (32, "customers", "fields.tax_code.reference", 'there is no entity "tax_code"'),
    (33, "customers", "fields.branches.list", "options gives one row, not a list"),
    (34, "customers", "fields.parent.value", "1 expression for the key of customers, which has 2 columns"),
]


def test_ten_mistakes_are_ten_faults_each_on_its_line() -> None:
    file = HERE / "ten_mistakes.yaml"
    with pytest.raises(ConfigurationError) as raised:
        load(file, {})

    assert [(each.line, each.entity, each.field, each.message) for each in raised.value.faults] == TEN
    assert {each.file for each in raised.value.faults} == {str(file)}
    assert all(each.hint for each in raised.value.faults)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no such file.*marea init"):
        load(tmp_path / "absent.yaml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


OPTIONS_TOO = """
version: 1
systems:
  erp: {url: "mysql://reader:${ERP_PASSWORD}@host/db", tinyint: integer}
  crm: {url: "https://crm.example.com", bach: {size: 500}, concurrency: many, auth: {bearer: "${CRM_TOKEN}"}}
  shop: {url: "https://shop.example.com", rate: fast, update: {path: "/{id}"}}
  lost: {url: "nowhere://host", option: 1}
entities:
  customers:
    source: {system: erp, table: customers, key: code, modifed: modified}
    target: {system: crm, object: customers, key: code}
    fields: {code: code}
"""


def test_options_that_connectors_refuse_are_told_beside_other_faults(tmp_path: Path) -> None:
    file = tmp_path / "marea.yaml"
    file.write_text(OPTIONS_TOO, "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load(file, {"ERP_PASSWORD": "s3cr3t"})
    told = [(each.line, each.field, each.message.partition(":")[0]) for each in raised.value.faults]
    assert told == [
        (4, "systems.erp.tinyint", 'unknown option (did you mean "tinyint1"?)'),
        (5, "systems.crm.concurrency", "must be a whole number, not text"),
        (5, "systems.crm.auth.bearer", "the environment variable CRM_TOKEN is not set"),
        (5, "systems.crm.bach", 'unknown option (did you mean "batch"?)'),
        (6, "systems.shop.rate", "must be a rate above zero"),
        (6, "systems.shop", "update needs create"),
        (7, "systems.lost.url", "no connector serves a URL that begins with nowhere"),
        (10, "source.modifed", "there is no such key"),
    ]
    assert "s3cr3t" not in str(raised.value)
