"""The SQL Server connector without a server: options, statements, what its driver's errors mean."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from types import MappingProxyType

import pyarrow as pa
import pytest
import sqlglot

from marea.config.settings import SystemSettings
from marea.connectors.base import address
from marea.connectors.mssql import MssqlConnector, catalogue
from marea.connectors.mssql.dialect import MssqlDialect
from marea.connectors.mssql.failures import Kind, kind, translate
from marea.connectors.mssql.options import Login
from marea.connectors.mssql.statements import MssqlStatements
from marea.connectors.mssql.target import insert, json_rows
from marea.connectors.session import Contended, DuplicateKey
from marea.connectors.statements import Landing
from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.ports import Column, Connector, Table
from marea.testing import ConnectorContract

pytestmark = pytest.mark.unit

CODE = Column("code", pa.string(), "nvarchar(20) COLLATE Latin1_General_CI_AS", nullable=False)
NAME = Column("na]me", pa.string(), "nvarchar(50) COLLATE Latin1_General_CI_AS")
AMOUNT = Column("amount", pa.decimal128(12, 2), "decimal(12,2)")
LANDING = Landing(
    Table("sales.accounts", (CODE, NAME, AMOUNT), ("code",), (), (("code",),)),
    ("code", "na]me", "amount"),
    ("code",),
    0,
)
FOLDING = replace(LANDING, table=replace(LANDING.table, folding=frozenset({"code"})))


def system(url: str = "mssql://sa:pa55}word@db/erp", **options: object) -> SystemSettings:
    return SystemSettings("erp", "mssql", url, options)


LOGIN = Login("erp", address(system()))


def parses(text: str) -> bool:
    return sqlglot.parse_one(text, dialect="tsql") is not None


class TestMssqlConnector(ConnectorContract):
    name = "mssql"
    alike = ("mssql://reader:pa55word@DB/crm", "sqlserver://db:1433/crm?encrypt=no")
    others = ("mssql://db/erp", "mssql://localhost/crm", "mssql://db:1434/crm")
    unreadable = ("mssql://reader:pa55?word@host/crm", "mssql://reader:pa55word@host:port/crm")
    options = MappingProxyType({"user": "reader", "password": "pa55word"})
    unproved = "no SQL Server is at hand: what is below reads its SQL"
    gaps = MappingProxyType(
        {}
        if find_spec("mssql_python")
        else {"test_a_role_opens_nothing_and_shows_no_secret": "its driver is not installed here"}
    )

    @pytest.fixture
    def connector(self) -> Connector:
        return MssqlConnector()


# -- options -----------------------------------------------------------------------------


def test_unknown_options_are_named() -> None:
    assert "password" in MssqlConnector().validate({"pasword": "x"})[0]
    assert MssqlConnector().validate({"user": "a", "password": "b"}) == []


@pytest.mark.skipif(find_spec("mssql_python") is not None, reason="the driver is installed here")
def test_without_its_driver_it_says_how_to_install_it() -> None:
    for role in (MssqlConnector().source, MssqlConnector().target):
        with pytest.raises(ConfigurationError, match=r"marea\[mssql\]"):
            role(system())


def test_faults_of_the_url_are_named_all_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        MssqlConnector().source(system("mssql://sa@db/?encrypt=maybe"))
    text = str(caught.value)
    assert "names no database" in text
    assert "encrypt is one of yes, no, strict" in text


def test_the_connection_string_quotes_its_values() -> None:
    assert LOGIN.connection_string == (
        "SERVER={db};DATABASE={erp};UID={sa};PWD={pa55}}word};Encrypt={yes};TrustServerCertificate={no};"
    )
    assert "SERVER={db,1433};" in Login("erp", address(system("mssql://sa@db:1433/erp"))).connection_string
    assert "pa55" not in repr(LOGIN)


# -- errors ------------------------------------------------------------------------------


class IntegrityError(Exception):
    pass


class DataError(Exception):
    pass


class ProgrammingError(Exception):
    pass


class OperationalError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (OperationalError("Driver Error: Communication link failure; DDBC Error: …"), Kind.LOST),
        (OperationalError("Driver Error: Client unable to establish connection"), Kind.LOST),
        (
            OperationalError("Driver Error: Serialization failure; … deadlocked on lock resources"),
            Kind.CONTENDED,
        ),
        (OperationalError("Driver Error: Timeout expired"), Kind.AWAY),
        (IntegrityError("Violation of PRIMARY KEY constraint 'pk'"), Kind.DUPLICATE),
        (
            IntegrityError("Cannot insert duplicate key row in object 't' with unique index 'u'"),
            Kind.DUPLICATE,
        ),
        (IntegrityError("Cannot insert the value NULL into column 'name'"), Kind.DATA),
        (DataError("String or binary data would be truncated"), Kind.DATA),
        (ProgrammingError("Invalid column name 'x'"), Kind.STATEMENT),
        (RuntimeError("the driver failed"), Kind.AWAY),
    ],
)
def test_an_error_means_what_its_class_and_words_say(error: Exception, meaning: Kind) -> None:
    assert kind(error) is meaning


def test_every_error_becomes_one_of_ours_without_the_password() -> None:
    written = {
        OperationalError("Communication link failure for pa55}word"): SystemUnreachable,
        OperationalError("deadlock"): Contended,
        IntegrityError("Cannot insert duplicate key"): DuplicateKey,
        DataError("too long"): BatchRefused,
        ProgrammingError("no such column"): ConfigurationError,
    }
    for error, ours in written.items():
        translated = translate(error, LOGIN, writing=True)
        assert type(translated) is ours
        assert "pa55" not in str(translated)
    assert type(translate(DataError("too long"), LOGIN, writing=False)) is ConfigurationError


# -- statements --------------------------------------------------------------------------


def test_a_batch_lands_by_update_and_insert() -> None:
    statements = MssqlStatements(MssqlDialect())
    assert statements.upsert(LANDING) == [
        (
            "UPDATE t SET t.[na]]me] = s.[na]]me], t.[amount] = s.[amount] "
            "FROM [sales].[accounts] AS t WITH (UPDLOCK, HOLDLOCK) "
            "JOIN [#marea_stage_0] AS s ON t.[code] = s.[code] "
            "WHERE EXISTS (SELECT CAST(CAST(s.[na]]me] AS nvarchar(max)) AS varbinary(max)), s.[amount] "
            "EXCEPT SELECT CAST(CAST(t.[na]]me] AS nvarchar(max)) AS varbinary(max)), t.[amount])"
        ),
        (
            "INSERT INTO [sales].[accounts] ([code], [na]]me], [amount]) "
            "SELECT s.[code], s.[na]]me], s.[amount] FROM [#marea_stage_0] s "
            "WHERE NOT EXISTS (SELECT 1 FROM [sales].[accounts] t WITH (UPDLOCK, HOLDLOCK) "
            "WHERE t.[code] = s.[code])"
        ),
    ]
    assert statements.rename(LANDING) == [
        (
            "DELETE t FROM [sales].[accounts] AS t "
            "JOIN [#marea_keys_0] AS k ON t.[code] = k.[o0] "
            "JOIN [sales].[accounts] AS x ON x.[code] = k.[n0] AND NOT (x.[code] = k.[o0])"
        ),
        (
            "UPDATE t SET t.[code] = k.[n0] FROM [sales].[accounts] AS t "
            "JOIN [#marea_keys_0] AS k ON t.[code] = k.[o0]"
        ),
    ]
    assert statements.delete(LANDING) == [
        "DELETE t FROM [sales].[accounts] AS t JOIN [#marea_keys_0] AS k ON t.[code] = k.[o0]"
    ]


def test_every_statement_is_sql() -> None:
    statements = MssqlStatements(MssqlDialect())
    fields = pa.schema([("code", pa.string()), ("amount", pa.decimal128(12, 2))])
    texts = [
        *statements.create("dbo.t", fields, ["code"]),
        *statements.stage(LANDING),
        *statements.clear(LANDING.stage),
        *statements.upsert(LANDING),
        statements.taken_for_equal(FOLDING),
        statements.unwritten(LANDING),
        *statements.rename(LANDING),
        *statements.delete(LANDING),
        insert("[sales].[accounts]", ("code", "amount"), fields),
        *catalogue.QUERIES,
    ]
    for text in texts:
        assert parses(text), text


def test_rows_travel_as_one_json_text() -> None:
    values = {
        "t": pa.array(['it\'s "x"', None]),
        "b": pa.array([True, None]),
        "d": pa.array([Decimal("1.10"), Decimal("0.0000001")], pa.decimal128(20, 7)),
        "x": pa.array([b"\x00\xff", None]),
        "m": pa.array(
            [dt.datetime(2024, 2, 29, 23, 59, 59, 123456, dt.UTC), None], pa.timestamp("us", "UTC")
        ),
        "n": pa.array([2**63 - 1, None]),
    }
    rows = pa.table(values)
    assert json.loads(json_rows(rows)) == [
        ['it\'s "x"', True, "1.1000000", "AP8=", "2024-02-29 23:59:59.123456+00:00", "9223372036854775807"],
        [None, None, "0.0000001", None, None, None],
    ]
    assert insert("[t]", list(values), rows.schema) == (
        "INSERT INTO [t] ([t], [b], [d], [x], [m], [n]) SELECT c0, c1, c2, c3, c4, c5 "
        "FROM OPENJSON(CAST(? AS nvarchar(max))) WITH (c0 nvarchar(max) '$[0]', c1 bit '$[1]', "
        "c2 decimal(20,7) '$[2]', c3 varbinary(max) '$[3]', c4 datetimeoffset(6) '$[4]', "
        "c5 bigint '$[5]') AS j"
    )


# -- types -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "native", "type_"),
    [
        (
            ("nvarchar", 40, 0, 0, "Latin1_General_CI_AS"),
            "nvarchar(20) COLLATE Latin1_General_CI_AS",
            pa.string(),
        ),
        (
            ("varchar", -1, 0, 0, "Latin1_General_CI_AS"),
            "varchar(max) COLLATE Latin1_General_CI_AS",
            pa.string(),
        ),
        (("varbinary", 16, 0, 0, None), "varbinary(16)", pa.binary()),
        (("binary", 16, 0, 0, None), "binary(16)", pa.string()),
        (("timestamp", 8, 0, 0, None), "timestamp", pa.string()),
        (("decimal", 9, 18, 4, None), "decimal(18,4)", pa.decimal128(18, 4)),
        (("datetime2", 8, 27, 7, None), "datetime2(7)", pa.timestamp("us")),
        (("datetimeoffset", 10, 34, 7, None), "datetimeoffset(7)", pa.timestamp("us", "UTC")),
        (("datetime", 8, 23, 3, None), "datetime", pa.timestamp("us")),
        (("money", 8, 19, 4, None), "money", pa.decimal128(19, 4)),
        (("bit", 1, 1, 0, None), "bit", pa.bool_()),
        (("uniqueidentifier", 16, 0, 0, None), "uniqueidentifier", pa.string()),
    ],
)
def test_columns_are_typed(
    row: tuple[str, int, int, int, str | None], native: str, type_: pa.DataType
) -> None:
    assert catalogue.native_type(*row) == native
    assert catalogue.arrow_type(native) == type_
