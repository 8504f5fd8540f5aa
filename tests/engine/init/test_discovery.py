from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from marea.engine.init.discovery import discover, distinct, snake
from marea.engine.init.edited import dates, modified
from marea.engine.init.places import masked, places
from marea.engine.init.text import scalar
from marea.ports import Column, ForeignKey, Table

pytestmark = pytest.mark.unit

INT = pa.int64()
TIME = pa.timestamp("us")


def table(name: str, key: str, *others: str, keys: tuple[ForeignKey, ...] = ()) -> Table:
    columns = [Column(column, INT, "integer") for column in (*key.split(), *others)]
    return Table(name, tuple(columns), tuple(key.split()), keys)


def to(columns: str, other: str, referred: str = "id") -> ForeignKey:
    return ForeignKey(tuple(columns.split()), other, tuple(referred.split()))


def test_a_key_that_begins_with_a_foreign_key_makes_a_part() -> None:
    found = discover(
        [
            table("orders", "id"),
            table("products", "id"),
            table(
                "order_details",
                "order_id product_id",
                keys=(to("order_id", "orders"), to("product_id", "products")),
            ),
            table("order_notes", "order_id", keys=(to("order_id", "orders"),)),
        ]
    )
    assert [draft.name for draft in found.drafts] == ["orders", "products"]
    parts = {part.table.name: part for part in found.drafts[0].related}
    assert parts["order_details"].many is True
    assert parts["order_details"].on == (("order_id", "id"),)
    assert parts["order_notes"].many is False
    assert found.drafts[0].references == {"order_details.product_id": "products"}


def test_what_others_refer_to_is_no_part() -> None:
    found = discover(
        [
            table("orders", "id"),
            table("lines", "order_id line", keys=(to("order_id", "orders"),)),
            table("lots", "order_id line lot", keys=(to("order_id line", "lines", "order_id line"),)),
        ]
    )
    assert {draft.name: [part.name for part in draft.related] for draft in found.drafts} == {
        "orders": [],
        "lines": ["lots"],
    }


def test_a_part_of_a_part_stands_alone() -> None:
    found = discover(
        [
            table("orders", "number"),
            table("lines", "number line"),
            table("lots", "number line lot"),
        ]
    )
    assert {draft.name: [part.name for part in draft.related] for draft in found.drafts} == {
        "orders": ["lines"],
        "lots": [],
    }


def test_entities_do_not_wait_for_each_other() -> None:
    found = discover(
        [
            table("staff", "id", "site", "chief", keys=(to("site", "sites"), to("chief", "staff"))),
            table("sites", "id", "head", keys=(to("head", "staff"),)),
        ]
    )
    assert [draft.references for draft in found.drafts] == [{"staff.site": "sites"}, {}]


def test_a_key_shared_by_its_general_name_says_nothing() -> None:
    found = discover([table("a", "id"), table("b", "id line")])
    assert [draft.name for draft in found.drafts] == ["a", "b"]


def test_tables_that_may_not_be_read_are_named() -> None:
    secret = replace(table("orders", "id"), grant="GRANT …")
    found = discover([secret, table("lines", "order_id line", keys=(to("order_id", "orders"),))])
    assert ([draft.name for draft in found.drafts], found.unreadable) == (["lines"], {"orders": "GRANT …"})


def test_tables_without_a_key_are_named() -> None:
    assert discover([table("heap", "", "line"), table("a", "id")]).keyless == ["heap"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["TBModified", "TBCreated"], "TBModified"),
        (["create_date", "write_date"], "coalesce(write_date, create_date)"),
        (["created_at", "UPDATED_AT"], "UPDATED_AT"),
        (["created_at"], None),
        (["upd"], None),
        (["Data_Modifica"], "Data_Modifica"),
        (["DataUltMod"], "DataUltMod"),
        (["ultima_modifica"], "ultima_modifica"),
        (["ult_agg"], "ult_agg"),
        (["writedate"], "writedate"),
        (["WriteDate", "CreateDate"], "coalesce(WriteDate, CreateDate)"),
        (["geändert_am"], "geändert_am"),
        (["Last Date Modified"], "Last Date Modified"),
        (["$systemModifiedAt"], "$systemModifiedAt"),
    ],
)
def test_last_edit_dates_by_name(names: list[str], found: str | None) -> None:
    columns = tuple(Column(name, TIME, "timestamp") for name in names)
    assert modified(Table("t", columns, ("id",))) == found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["upd", "Shipped"], ("upd", "Shipped")),
        (["data_creazione", "upd"], ("upd",)),
        (["upd", "modified"], ()),
    ],
)
def test_dates_that_may_be_the_last_edit_where_no_name_says_it(
    names: list[str], found: tuple[str, ...]
) -> None:
    columns = (*(Column(name, TIME, "timestamp") for name in names), Column("due", pa.date32(), "date"))
    assert dates(Table("t", columns, ("id",))) == found


def test_a_name_without_a_time_is_no_date() -> None:
    assert modified(Table("t", (Column("modified", pa.bool_(), "boolean"),), ("id",))) is None


def test_names() -> None:
    assert [snake(name) for name in ("CustSupp", "TBModifiedID", "MA_Items", "Order Date", "città")] == [
        "cust_supp", "tb_modified_id", "ma_items", "order_date", "città",
    ]  # fmt: skip
    assert distinct({"A": "a", "a": "a", "AA": "a"}) == {"A": "a", "a": "a_2", "AA": "a_3"}
    found = discover([table("MA_Items", "Item"), table("public.MA_TaxCodes", "TaxCode")])
    assert [draft.name for draft in found.drafts] == ["items", "tax_codes"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///erp.db", "sqlite:///erp.db"),
        ("postgresql://reader@host/erp", "postgresql://reader@host/erp"),
        ("postgresql://reader:p@ss@host:5432/erp", "postgresql://reader:${P}@host:5432/erp"),
        ("mysql://host/erp?user=u&password=x&ssl=1", "mysql://host/erp?user=u&password=${P}&ssl=1"),
    ],
)
def test_passwords_do_not_get_into_the_file(url: str, shown: str) -> None:
    assert masked(url, "P") == (shown, "${P}" in shown)


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:${ERP}@host/erp", "postgresql://me:${file:/run/erp}@host/erp", "mysql://h/e?pwd=${E}"],
)
def test_a_placeholder_stays_the_one_it_is(url: str) -> None:
    assert masked(url, "P") == (url, False)


def test_scalars_are_quoted_where_yaml_would_misread_them() -> None:
    assert [scalar(text) for text in ("name", "no", "a b", "1", 'say "x"')] == [
        "name", '"no"', '"a b"', '"1"', '"say \\"x\\""',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target", "called"),
    [
        ("sqlite:///erp.db", "sqlite:///target.db", ("erp", "target")),
        ("sqlite:////srv/data/MagoNet.2024.db", "https://crm.example.com/api", ("mago_net", "crm")),
        ("postgresql://u:p@host:5432/erp?sslmode=require", "postgresql://host/erp", ("erp", "erp_2")),
        ("postgresql://host/9lives", "http://127.0.0.1:8800/api", ("source", "target")),
        ("postgresql://u:${ERP}@host/shop", "http://[::1]/api", ("shop", "target")),
        ("postgresql://host/${NAME}", "http://${HOST}/api", ("source", "target")),
        ("postgresql://host", "https://gestionalé.it", ("source", "target")),
    ],
)
def test_systems_are_called_what_they_are(source: str, target: str, called: tuple[str, str]) -> None:
    found = places(source, target, Path("marea.yaml"))
    assert (found.source.name, found.target.name) == called
