from __future__ import annotations

import pyarrow as pa
import pytest

from marea.config.settings import EntitySettings, ReferenceField, ScalarField, SourceSettings, TargetSettings
from marea.mapping.apart import keys_apart
from marea.mapping.expression import Parser
from marea.ports import Column, Table
from marea.sql import duck
from marea.sql.aggregate import Aggregate

pytestmark = pytest.mark.unit

KIND, CODE = Column("Kind", pa.int32(), "integer"), Column("Code", pa.string(), "text")


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser(duck.connect())


def apart(parser: Parser, key: tuple[str, ...], where: str | None = None, kind: Column = KIND) -> bool:
    fields = (
        ScalarField("kind", "kind"),
        ScalarField("code", "(Code -- as it is\n)"),
        ScalarField("upper", "upper(Code)"),
        ScalarField("other", "options.Code"),
        ReferenceField("parent", "customers", ("Code",)),
    )
    entity = EntitySettings(
        "customers", SourceSettings("erp", "t", ("Kind", "Code")), TargetSettings("crm", "a", key), fields
    )
    table = Table("t", (kind, CODE), ("Kind", "Code"))
    return keys_apart(entity, Aggregate(table, (kind, CODE), (kind, CODE), where), parser)


@pytest.mark.parametrize(
    ("key", "where"),
    [
        (("kind", "code"), None),
        (("code", "kind", "upper"), "anything # at all"),
        (("code",), "Kind = 3211264"),
        (("code",), "r.kind = 3211264 and Code <> '0' AND (Kind > 1 OR Code IN ('a', 'b'))"),
        (("code",), "3 = KIND"),
    ],
)
def test_keys_that_cannot_meet(parser: Parser, key: tuple[str, ...], where: str | None) -> None:
    assert apart(parser, key, where)


@pytest.mark.parametrize(
    ("key", "where"),
    [
        (("code",), None),
        (("kind",), "Kind = 1"),
        (("kind", "upper"), None),
        (("kind", "other"), None),
        (("kind", "parent"), None),
        (("code",), "Kind = 1 OR Code = 'x'"),
        (("code",), "NOT Kind = 1"),
        (("code",), "Kind >= 1"),
        (("code",), "Kind = 1 -- OR Kind = 2"),
        (("code",), "Kind = 1 || Code = 'x'"),
        (("code",), "Kind = 1 /*! OR 1 = 1 */"),
        (("code",), "Kind = '1'"),
        (("code",), "Kind = 1.5"),
        (("code",), "o.Kind = 1"),
        (("code",), "Kind = 1 XOR Code = 'x'"),
        (("code",), "Code = 'x'"),
        (("kind",), "Code = 1"),
        (("code",), '"Kind" = 1'),
        (("code",), "(Kind = 1) = 0"),
    ],
)
def test_keys_that_might_meet(parser: Parser, key: tuple[str, ...], where: str | None) -> None:
    assert not apart(parser, key, where)


def test_only_whole_numbers_are_equal_to_one_value_alone(parser: Parser) -> None:
    assert not apart(parser, ("code",), "Kind = 1", Column("Kind", pa.string(), "text"))
