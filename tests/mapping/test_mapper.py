"""A whole aggregate through binding, compiling and mapping, against a source that only describes itself."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marea.config.settings import (
    CheckSettings,
    EntitySettings,
    ListField,
    ReferenceField,
    RelationSettings,
    ScalarField,
    SourceSettings,
    TargetSettings,
)
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.errors import ConfigurationError, RunStopped
from marea.flow import FINGERPRINT, MISSING, PROBLEMS
from marea.mapping.binding import Binder
from marea.mapping.expression import Parser
from marea.mapping.mapper import Mapper
from marea.ports import KEY, PAYLOAD, STAMP, Column, Table
from marea.sql import duck
from marea.sql.aggregate import Aggregate, link
from marea.sql.pages import PARENT

pytestmark = pytest.mark.unit

MONEY = pa.decimal128(38, 18)
TABLES = {
    "customers": Table(
        "customers",
        (
            Column("kind", pa.int32(), "int4"),
            Column("Code", pa.string(), "varchar"),
            Column("Name", pa.string(), "varchar"),
            Column("credit", MONEY, "numeric"),
            Column("modified", pa.timestamp("us"), "timestamp"),
        ),
        ("kind", "Code"),
    ),
    "options": Table(
        "options",
        (
            Column("customer", pa.string(), "varchar"),
            Column("tax", pa.string(), "varchar"),
            Column("modified", pa.timestamp("us"), "timestamp"),
        ),
    ),
    "orders": Table(
        "orders",
        (
            Column("customer", pa.string(), "varchar"),
            Column("number", pa.int32(), "int4"),
            Column("total", MONEY, "numeric"),
        ),
    ),
    "lines": Table(
        "lines",
        (
            Column("order_no", pa.int32(), "int4"),
            Column("line", pa.int32(), "int4"),
            Column("item", pa.string(), "varchar"),
            Column("modified", pa.timestamp("us"), "timestamp"),
        ),
    ),
}


class Described:
    """A source that can be described and no more."""

    dialect = PostgresqlDialect()

    def describe(self, table: str) -> Table | None:
        return TABLES.get(table)

    def tables(self) -> list[str]:
        return sorted(TABLES)

    def type_of(self, table: str, expression: str) -> Column:
        return Column("x", pa.int32(), "int4")


LINES = RelationSettings(
    "lines", "lines", (("order_no", "number"),), modified="modified", many=True, order=("line",)
)
ORDERS = RelationSettings(
    "orders", "orders", (("customer", "Code"),), many=True, order=("number",), children=(LINES,)
)
OPTIONS = RelationSettings("options", "options", (("customer", "Code"),), modified="modified")
LINE_FIELDS = (ScalarField("line", "line"), ReferenceField("item", "items", ("item",)))
ENTITY = EntitySettings(
    "customers",
    SourceSettings("erp", "customers", ("kind", "Code"), modified="modified", related=(OPTIONS, ORDERS)),
    TargetSettings("crm", "accounts", ("code",)),
    (
        ScalarField("code", "code"),
        ScalarField("name", "trim(name)"),
        ScalarField("credit", "credit"),
        ReferenceField("tax", "taxes", ("options.tax",)),
        ListField(
            "orders",
            "orders",
            (
                ScalarField("number", "number"),
                ScalarField("total", "total"),
                ListField("lines", "lines", LINE_FIELDS),
            ),
        ),
    ),
    require=("name",),
    checks=(CheckSettings("credit >= 0", "The credit is negative"),),
)


def bound(entity: EntitySettings = ENTITY) -> Aggregate:
    found = Binder("marea.yaml", entity, Described(), Parser(duck.connect())).bind()  # type: ignore[arg-type]
    if found.faults or found.aggregate is None:
        raise ConfigurationError(found.faults)
    return found.aggregate


def root(*rows: dict[str, Any]) -> pa.Table:
    schema = pa.schema(
        [
            ("kind", pa.int32()),
            ("Code", pa.string()),
            ("Name", pa.string()),
            ("credit", MONEY),
            (STAMP, pa.string()),
            (KEY, pa.string()),
            (link("options"), pa.int32()),
            (link("orders"), pa.int32()),
        ]
    )
    found = [
        {
            "kind": 1,
            "Code": f"c{n}",
            KEY: f'[1,"c{n}"]',
            STAMP: "s",
            link("options"): n,
            link("orders"): n,
            **row,
        }
        for n, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(found, schema)


def links(n: int) -> dict[str, int]:
    return {link("options"): n, link("orders"): n}


def related(options: list[dict], orders: list[dict] = [], lines: list[dict] = []) -> dict[str, pa.Table]:  # noqa: B006
    types = {PARENT: pa.int64(), "tax": pa.string(), STAMP: pa.string()}
    order_types = {PARENT: pa.int64(), "number": pa.int32(), "total": MONEY, link("orders.lines"): pa.int32()}
    line_types = {PARENT: pa.int64(), "line": pa.int32(), "item": pa.string(), STAMP: pa.string()}
    return {
        "options": pa.Table.from_pylist(options, pa.schema(types)),
        "orders": pa.Table.from_pylist(orders, pa.schema(order_types)),
        "orders.lines": pa.Table.from_pylist(lines, pa.schema(line_types)),
    }


def everything_delivered(entity: str, keys: pa.Array) -> pa.Table:
    ids = [f"id-{json.loads(key)}" for key in keys.to_pylist()]
    return pa.table(
        {"key": keys, "target_id": pa.array(ids, pa.string()), "delivered": pa.array([True] * len(ids))}
    )


def mapped(rows: pa.Table, others: dict[str, pa.Table], look_up=everything_delivered) -> list[dict[str, Any]]:
    return Mapper("marea.yaml", ENTITY, bound(), {}).map(rows, others, look_up).to_pylist()


def test_an_aggregate_becomes_one_payload_with_nested_lists_in_order() -> None:
    others = related(
        [{PARENT: 0, "tax": "22", STAMP: "o"}],
        [
            {PARENT: 0, "number": 8, "total": Decimal("1.50"), link("orders.lines"): 0},
            {PARENT: 0, "number": 7, "total": Decimal("12345678901234567890.125"), link("orders.lines"): 1},
        ],
        [
            {PARENT: 0, "line": 2, "item": "B", STAMP: "l2"},
            {PARENT: 0, "line": 1, "item": "A", STAMP: "l1"},
        ],
    )
    (record,) = mapped(root({"Name": " Ann ", "credit": Decimal("1.10")}), others)
    assert record[PAYLOAD] == (
        '{"code":"c0","name":"Ann","credit":1.1,"tax":"id-22","orders":['
        '{"number":7,"total":12345678901234567890.125,"lines":[]},'
        '{"number":8,"total":1.5,"lines":[{"line":1,"item":"id-A"},{"line":2,"item":"id-B"}]}]}'
    )
    assert record[MISSING] is None
    assert record[PROBLEMS] is None
    assert 0 <= record[FINGERPRINT] < 2**63


def test_a_field_may_be_called_as_the_column_its_list_is_ordered_by() -> None:
    lines = ListField("orders", "orders", (ScalarField("number", "number * -1"),))
    entity = dataclasses.replace(ENTITY, fields=(lines,), require=(), checks=())
    orders = [{PARENT: 0, "number": 1}, {PARENT: 0, "number": 2}]
    result = Mapper("marea.yaml", entity, bound(entity), {}).map(
        root({"Name": "a"}), related([], orders), everything_delivered
    )
    assert result.column(PAYLOAD).to_pylist() == ['{"orders":[{"number":-1},{"number":-2}]}']


def test_the_stamp_of_the_whole_aggregate_follows_each_of_its_tables() -> None:
    row = root({"Name": "a"})
    order = [{PARENT: 0, "number": 1, link("orders.lines"): 0}]
    stamps = [
        mapped(row, others)[0][STAMP]
        for others in (
            related([{PARENT: 0, "tax": "22", STAMP: "o1"}]),
            related([{PARENT: 0, "tax": "22", STAMP: "o2"}]),
            related([{PARENT: 0, "tax": "22", STAMP: "o1"}], order, [{PARENT: 0, "line": 1, STAMP: "l1"}]),
            related([{PARENT: 0, "tax": "22", STAMP: "o1"}], order, [{PARENT: 0, "line": 1, STAMP: "l2"}]),
        )
    ]
    assert len(set(stamps)) == 4


def test_broken_rules_name_every_reason_and_null_passes_a_check() -> None:
    rows = root({"Name": " ", "credit": Decimal(-1)}, {"Name": "b", "credit": None})
    first, second = sorted(mapped(rows, related([])), key=lambda row: row[KEY])
    assert [problem["text"] for problem in first[PROBLEMS]] == [
        "name is required and empty",
        "The credit is negative",
    ]
    assert second[PROBLEMS] is None


def test_a_parent_that_is_not_delivered_is_named_also_from_inside_a_list() -> None:
    def no_items(entity: str, keys: pa.Array) -> pa.Table:
        return everything_delivered(entity, keys).set_column(
            2, "delivered", pa.array([entity != "items"] * len(keys), pa.bool_())
        )

    others = related(
        [], [{PARENT: 0, "number": 1, link("orders.lines"): 0}], [{PARENT: 0, "line": 1, "item": "A"}]
    )
    (record,) = mapped(root({"Name": "a"}), others, no_items)
    assert record[MISSING] == {"entity": "items", "key": '"A"'}


def test_a_table_meant_to_have_one_row_that_has_two_rejects_its_record_alone() -> None:
    options = [{PARENT: 0, "tax": "22"}, {PARENT: 0, "tax": "10"}, {PARENT: 1, "tax": "22"}]
    rows = mapped(root({"Name": "a"}, {"Name": "b"}), related(options))
    assert {row[KEY]: row[PROBLEMS] is not None for row in rows} == {'[1,"c0"]': True, '[1,"c1"]': False}


def apart(entity: EntitySettings, rows: pa.Table, others: dict[str, pa.Table]) -> tuple[dict, dict]:
    """Key -> payload of the records that can be computed, and the problem of those that cannot."""
    records = (
        Mapper("marea.yaml", entity, bound(entity), {}).map(rows, others, everything_delivered).to_pylist()
    )
    failed = {row[KEY]: row[PROBLEMS] for row in records if row[PROBLEMS]}
    return {row[KEY]: row[PAYLOAD] for row in records if not row[PROBLEMS]}, failed


def test_a_record_that_cannot_be_computed_fails_alone_and_says_where_and_why() -> None:
    fields = (ScalarField("code", "cast(name as integer)"), ScalarField("other", "credit"))
    entity = dataclasses.replace(ENTITY, fields=fields, checks=(), require=("code",))
    rows = root(*({"Name": text} for text in ("1", "x", "3", None)))
    good, failed = apart(entity, rows, related([]))
    assert good == {'[1,"c0"]': '{"code":1,"other":null}', '[1,"c2"]': '{"code":3,"other":null}'}
    assert [problem["code"] for problem in failed['[1,"c3"]']] == ["required"]
    [problem] = failed['[1,"c1"]']
    assert (problem["code"], problem["field"]) == ("expression", "code")
    assert "Could not convert string 'x'" in problem["text"]


def test_a_value_inside_a_list_that_cannot_be_computed_fails_its_record_alone() -> None:
    lines = ListField("lines", "lines", (ScalarField("line", "10 // (line - 1)"), LINE_FIELDS[1]))
    inner = ListField("orders", "orders", (ScalarField("number", "cast(number as utinyint)"), lines))
    entity = dataclasses.replace(ENTITY, fields=(inner,), require=(), checks=())
    orders = [{PARENT: n, "number": n * 255, link("orders.lines"): n} for n in range(3)]
    good, failed = apart(entity, root({}, {}, {}), related([], orders, [{PARENT: 1, "line": 3, "item": "A"}]))
    assert good == {
        '[1,"c0"]': '{"orders":[{"number":0,"lines":[]}]}',
        '[1,"c1"]': '{"orders":[{"number":255,"lines":[{"line":5,"item":"id-A"}]}]}',
    }
    [problem] = failed['[1,"c2"]']
    assert (problem["code"], problem["field"]) == ("expression", "orders")
    assert "510" in problem["text"]


def test_a_check_and_a_reference_that_cannot_be_computed_fail_their_records_alone() -> None:
    reference = ReferenceField("tax", "taxes", ("cast(name as integer)",))
    checks = (CheckSettings("cast(other as integer) > 0", "no"),)
    entity = dataclasses.replace(
        ENTITY, fields=(reference, ScalarField("other", "name")), require=(), checks=checks
    )
    good, failed = apart(entity, root({"Name": "1"}, {"Name": "x"}, {"Name": "0"}), related([]))
    assert list(good) == ['[1,"c0"]']
    assert [problem["field"] for problem in failed['[1,"c1"]']] == ["tax"]
    assert [problem["code"] for problem in failed['[1,"c2"]']] == ["check"]
    entity = dataclasses.replace(entity, fields=(ScalarField("other", "name"),))
    good, failed = apart(entity, root({"Name": "1"}, {"Name": "x"}), related([]))
    assert list(good) == ['[1,"c0"]']
    assert "Could not convert string 'x'" in failed['[1,"c1"]'][0]["text"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["1", "x", "300", None]), min_size=1, max_size=30))
def test_exactly_the_records_that_cannot_be_computed_fail(names: list[str | None]) -> None:
    entity = dataclasses.replace(
        ENTITY, fields=(ScalarField("n", "cast(name as utinyint)"),), require=(), checks=()
    )
    good, failed = apart(entity, root(*({"Name": name} for name in names)), related([]))
    expected = {f'[1,"c{n}"]' for n, name in enumerate(names) if name in ("x", "300")}
    assert set(failed) == expected
    assert all(f"'{names[int(key[5:-2])]}'" in found[0]["text"] for key, found in failed.items())
    assert len(good) + len(failed) == len(names)


def test_an_engine_that_runs_out_of_memory_stops_the_run_and_blames_no_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = {"threads": "1", "memory_limit": "8MB"}
    monkeypatch.setattr(duck, "connect", lambda: duckdb.connect(config=small))
    orders = [{PARENT: 0, "number": number, "total": None} for number in range(100_000)]
    with pytest.raises(RunStopped, match="Out of Memory") as caught:
        mapped(root({"Name": "a"}), related([], orders))
    assert (caught.value.code, caught.value.where) == ("mapping", "customers")


def faults(*fields: ScalarField, **changes: Any) -> list[str]:
    entity = dataclasses.replace(ENTITY, fields=fields, require=(), checks=(), **changes)
    with pytest.raises(ConfigurationError) as raised:
        Mapper("marea.yaml", entity, bound(entity), {})
    return [str(fault) for fault in raised.value.faults]


def test_every_faulty_name_is_reported_at_once_with_the_nearest() -> None:
    assert faults(
        ScalarField("a", "Cod", 7), ScalarField("b", "options.taxx", 8), ScalarField("c", "orders.number", 9)
    ) == [
        'marea.yaml:7: customers.fields.a: table customers has no column Cod (did you mean "Code"?)',
        'marea.yaml:8: customers.fields.b: table options has no column taxx (did you mean "tax"?)',
        "marea.yaml:9: customers.fields.c: orders has many rows (use {list: orders, fields: …})",
    ]


def test_a_relation_that_has_the_name_of_a_column_is_told_apart_by_nobody() -> None:
    twin = dataclasses.replace(OPTIONS, name="code", line=5)
    source = dataclasses.replace(ENTITY.source, related=(twin,))
    (fault,) = faults(ScalarField("tax", "code.tax"), source=source)
    assert fault == (
        "marea.yaml:5: customers.source.related.code: table customers has a column Code too "
        "(give the relation another name)"
    )


def test_every_faulty_type_is_reported_at_once() -> None:
    first, second = faults(ScalarField("a", "trim(kind)", 7), ScalarField("b", "[kind]", 8))
    assert first.startswith("marea.yaml:7: customers.fields.a: No function matches")
    assert second == "marea.yaml:8: customers.fields.b: a value of type INTEGER[] cannot be sent; cast it"


def test_a_faulty_check_is_reported() -> None:
    entity = dataclasses.replace(ENTITY, checks=(CheckSettings("credits > 0", "x", 12),))
    with pytest.raises(ConfigurationError, match=r"marea.yaml:12: customers.checks: .*credits"):
        Mapper("marea.yaml", entity, bound(entity), {})


@pytest.mark.parametrize(
    ("that", "type_"), [("name", "VARCHAR"), ("credit", "DECIMAL(38,18)"), ("1", "INTEGER")]
)
def test_a_check_is_a_condition(that: str, type_: str) -> None:
    entity = dataclasses.replace(ENTITY, checks=(CheckSettings(that, "x", 12),))
    with pytest.raises(ConfigurationError) as raised:
        Mapper("marea.yaml", entity, bound(entity), {})
    (fault,) = raised.value.faults
    assert (fault.line, fault.message) == (12, f"a value of type {type_} is no condition")


def test_only_needed_columns_are_read() -> None:
    entity = dataclasses.replace(ENTITY, fields=(ScalarField("code", "code"),), require=(), checks=())
    entity = dataclasses.replace(entity, source=dataclasses.replace(entity.source, related=()))
    assert [column.name for column in bound(entity).columns] == ["kind", "Code"]
