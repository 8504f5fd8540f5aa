"""What a MariaDB target does beside the contract: other unique keys, automatic stamps, refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.connectors.mysql import MysqlConnector
from marea.connectors.mysql.target import MysqlSession
from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import Shape, Target
from marea.testing import batch, shape
from mysql_systems import system

pytestmark = pytest.mark.contract

Rows = Sequence[Mapping[str, Any]]
Sql = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def sql(mariadb_url: str) -> Sql:
    return lambda text: run_sql(mariadb_url, text)


@pytest.fixture
def target(mariadb_url: str) -> Iterator[Target]:
    opened = MysqlConnector().target(system(mariadb_url))
    yield opened
    opened.close()


def deliver(target: Target, shape_: Shape, rows: Rows, operation: Operation = Operation.UPDATE) -> None:
    receipt = target.deliver(shape_, batch(shape_, rows, operation))
    assert not receipt.rejected


NAMES = shape({"code": pa.string(), "name": pa.string()})


@pytest.mark.parametrize(
    "guard", ["PRIMARY KEY (code), UNIQUE (name)", "KEY (code), UNIQUE (name)", "PRIMARY KEY (code)"]
)
def test_a_record_of_another_key_is_never_overwritten(target: Target, sql: Sql, guard: str) -> None:
    sql(f"CREATE TABLE t (code VARCHAR(20) NOT NULL, name VARCHAR(20), {guard})")
    sql("INSERT INTO t VALUES ('theirs', 'same')")
    target.prepare(NAMES)
    ours = [{"code": "ours", "name": "same"}]
    if "UNIQUE" in guard:
        with pytest.raises(BatchRefused, match="same") as caught:
            deliver(target, NAMES, ours)
        assert caught.value.code == "1062"
        assert sql("SELECT * FROM t") == [("theirs", "same")]
        deliver(target, NAMES, [{"code": "theirs", "name": "new"}, {"code": "ours", "name": "same"}])
        assert sql("SELECT * FROM t ORDER BY code") == [("ours", "same"), ("theirs", "new")]
    else:
        deliver(target, NAMES, ours)
        assert sql("SELECT code FROM t ORDER BY code") == [("ours",), ("theirs",)]


@pytest.mark.parametrize("guard", ["PRIMARY KEY (code)", "PRIMARY KEY (code), UNIQUE (extra)", "KEY (code)"])
def test_an_equal_record_keeps_its_automatic_stamp(target: Target, sql: Sql, guard: str) -> None:
    sql(
        "CREATE TABLE t (code VARCHAR(20) NOT NULL, name VARCHAR(20), extra INT, "
        f"changed DATETIME(6) DEFAULT '2000-01-01' ON UPDATE CURRENT_TIMESTAMP(6), {guard})"
    )
    target.prepare(NAMES)
    deliver(target, NAMES, [{"code": "a", "name": "x"}, {"code": "b", "name": "x"}], Operation.CREATE)
    deliver(target, NAMES, [{"code": "a", "name": "x"}, {"code": "b", "name": "X"}])
    years = dict(sql("SELECT code, YEAR(changed) FROM t"))  # type: ignore[arg-type]
    assert years["a"] == 2000
    assert years["b"] > 2000


def test_automatic_stamps_are_in_the_servers_zone_and_instants_are_not_moved(
    target: Target, sql: Sql, in_zone: Callable[[str], None]
) -> None:
    in_zone("+05:00")
    sql(
        "CREATE TABLE t (code VARCHAR(20) PRIMARY KEY, at TIMESTAMP(6) NULL, plain DATETIME(6), "
        "changed DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)"
    )
    moment = dt.datetime(2024, 2, 29, 23, 59, 59, 123456, dt.UTC)
    timed = shape({"code": pa.string(), "at": pa.timestamp("us", "UTC"), "plain": pa.timestamp("us")})
    target.prepare(timed)
    rows = [{"code": "a", "at": moment, "plain": moment.replace(tzinfo=None)}]
    deliver(target, timed, rows)
    moved = "TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), changed) BETWEEN 299 AND 301"
    text = f"SET time_zone = '+00:00'; SELECT CAST(at AS CHAR), CAST(plain AS CHAR), {moved} FROM t"
    assert sql(text) == [("2024-02-29 23:59:59.123456", "2024-02-29 23:59:59.123456", 1)]


def test_keys_that_differ_in_case_or_blanks_are_different_records(target: Target, sql: Sql) -> None:
    made = shape({"code": pa.string(), "name": pa.string()}, create=True)
    target.prepare(made)
    rows = [{"code": code, "name": code} for code in ("a", "A", "a ", "á")]
    deliver(target, made, rows, Operation.CREATE)
    deliver(target, made, rows)
    assert sql("SELECT count(*), count(DISTINCT code) FROM t") == [(4, 4)]


def test_a_key_of_zero_stays_zero(target: Target, sql: Sql) -> None:
    sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20))")
    numbered = shape({"id": pa.int64(), "name": pa.string()}, ("id",))
    target.prepare(numbered)
    for operation in (Operation.CREATE, Operation.UPDATE):
        deliver(target, numbered, [{"id": 0, "name": "zero"}, {"id": 5, "name": "five"}], operation)
        assert sql("SELECT id, name FROM t ORDER BY id") == [(0, "zero"), (5, "five")]


REFUSALS = [
    ("name VARCHAR(3)", "long", "1406", "name"),
    ("name INT", "x", "1366", "name"),
    ("name TINYINT", "1000", "1264", "name"),
    ("name DATE", "2024-02-30", "1292", "name"),
    ("name VARCHAR(9) NOT NULL", None, "1048", "name"),
    ("name VARCHAR(9) CHARACTER SET latin1", "日", "1366", "name"),
    ("name VARCHAR(9) CHECK (name <> 'x')", "x", "4025", ""),
    ("name VARCHAR(9), must INT NOT NULL", "x", "1364", "must"),
    ("name ENUM('a', 'b')", "c", "1265", "name"),
    ("name VARCHAR(9), FOREIGN KEY (name) REFERENCES other (code)", "x", "1452", ""),
]


@pytest.mark.parametrize(("column", "value", "code", "field"), REFUSALS, ids=[case[0] for case in REFUSALS])
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPDATE])
def test_a_refusal_has_its_code_and_the_servers_words(
    target: Target, sql: Sql, column: str, value: str | None, code: str, field: str, operation: Operation
) -> None:
    sql("CREATE TABLE other (code VARCHAR(9) PRIMARY KEY)")
    sql(f"CREATE TABLE t (code VARCHAR(9) PRIMARY KEY, {column})")
    target.prepare(NAMES)
    with pytest.raises(BatchRefused) as caught:
        deliver(target, NAMES, [{"code": "a", "name": value}], operation)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert len(caught.value.message) > 20
    assert sql("SELECT * FROM t") == []


def test_a_trigger_may_refuse_a_record(target: Target, sql: Sql) -> None:
    sql("CREATE TABLE t (code VARCHAR(9) PRIMARY KEY, name VARCHAR(9))")
    sql(
        "CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW "
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed'"
    )
    target.prepare(NAMES)
    with pytest.raises(BatchRefused, match="closed") as caught:
        deliver(target, NAMES, [{"code": "a", "name": "x"}])
    assert caught.value.code == "1644"


def test_a_record_longer_than_a_packet_is_refused_alone(target: Target, sql: Sql) -> None:
    sql("CREATE TABLE t (code VARCHAR(9) PRIMARY KEY, name LONGTEXT)")
    target.prepare(NAMES)
    with pytest.raises(BatchRefused, match="max_allowed_packet") as caught:
        deliver(target, NAMES, [{"code": "a", "name": "x" * 17_000_000}])
    assert caught.value.code == "1153"
    deliver(target, NAMES, [{"code": "a", "name": "x" * 3_000_000}, {"code": "b", "name": "y"}])
    assert sql("SELECT code, length(name) FROM t ORDER BY code") == [("a", 3_000_000), ("b", 1)]


def test_an_engine_without_transactions_is_refused(target: Target, sql: Sql) -> None:
    sql("CREATE TABLE t (code VARCHAR(9) PRIMARY KEY, name VARCHAR(9)) ENGINE = MyISAM")
    with pytest.raises(ConfigurationError, match="MyISAM"):
        target.prepare(NAMES)


def test_not_a_number_is_refused_as_data(target: Target, sql: Sql) -> None:
    numbers = shape({"code": pa.string(), "value": pa.float64()}, create=True)
    target.prepare(numbers)
    for value in (float("nan"), float("inf")):
        with pytest.raises(BatchRefused):
            deliver(target, numbers, [{"code": "a", "value": value}])


def test_a_right_that_is_missing_is_a_fault_of_the_configuration(
    target: Target, sql: Sql, mariadb_url: str
) -> None:
    sql("CREATE TABLE t (code VARCHAR(9) PRIMARY KEY, name VARCHAR(9))")
    name = mariadb_url.rpartition("/")[2]
    sql(f"CREATE USER weak_{name} IDENTIFIED BY 'pa55word'; GRANT SELECT ON {name}.* TO weak_{name}")
    weak = MysqlConnector().target(system(mariadb_url, user=f"weak_{name}", password="pa55word"))
    weak.prepare(NAMES)
    with pytest.raises(ConfigurationError, match="denied") as caught:
        deliver(weak, NAMES, [{"code": "a", "name": "x"}], Operation.CREATE)
    assert "pa55word" not in str(caught.value)
    weak.close()
    sql(f"DROP USER weak_{name}")


def test_a_lock_that_is_held_is_contention(target: Target, sql: Sql, mariadb_url: str) -> None:
    sql("CREATE TABLE t (code VARCHAR(9) PRIMARY KEY, name VARCHAR(9)); INSERT INTO t VALUES ('a', 'x')")
    from marea.connectors.mysql.options import login

    holder, waiter = (MysqlSession(login(system(mariadb_url))) for _ in range(2))
    holder.execute("UPDATE t SET name = 'held' WHERE code = 'a'")
    waiter.execute("SET innodb_lock_wait_timeout = 0")
    with pytest.raises(SystemUnreachable) as caught:
        waiter.execute("UPDATE t SET name = 'late' WHERE code = 'a'")
    assert caught.value.code == "contended"
    assert not waiter.lost
    for session in (waiter, holder):
        session.rollback()
        session.close()
    assert sql("SELECT name FROM t") == [("x",)]
