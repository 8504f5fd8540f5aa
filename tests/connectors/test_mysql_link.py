"""Reaching a MariaDB server: options, logins, zones and clocks, what its errors mean."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pymysql
import pytest

from by_hand import run_sql
from marea.connectors.mysql import MysqlConnector
from marea.connectors.mysql.dialect import MysqlDialect
from marea.connectors.mysql.failures import Kind, kind, translate
from marea.connectors.mysql.link import Link, open_link
from marea.connectors.mysql.options import login
from marea.errors import ConfigurationError, SystemUnreachable
from marea.ports import Column
from marea.sql.dialect import Query
from mysql_systems import system

if TYPE_CHECKING:
    from conftest import Servers

pytestmark = pytest.mark.contract

ZONES = Path("/usr/share/zoneinfo")


# -- options -----------------------------------------------------------------------------


def test_options_are_checked_without_a_server() -> None:
    connector = MysqlConnector()
    assert connector.validate({"user": "a", "timezone": "Europe/Rome", "tinyint1": "integer"}) == []
    assert connector.validate({"timezone": "-03:30"}) == []
    faults = connector.validate({"timezon": "x", "timezone": "1; DROP", "tinyint1": True})
    assert [
        next(word for word in ("timezon", "timezone", "tinyint1") if fault.find(word) >= 0)
        for fault in faults
    ]
    assert len(faults) == 3
    assert 'did you mean "timezone"?' in faults[0]


def test_faults_of_the_url_are_named_all_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        login(system("mariadb://h/?charset=latin1&ssl=maybe&ssl_ca=/nowhere.pem"))
    text = str(caught.value)
    for part in ("names no database", "charset is one of utf8mb4", "ssl is one of", "/nowhere.pem"):
        assert part in text


def test_a_url_is_read(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    read = login(system(f"mysql://u%40x:p%2Fw@h:3307/d?ssl_ca={authority}&charset=utf8", timezone="+01:00"))
    assert (read.address.user, read.address.password, read.address.port) == ("u@x", "p/w", 3307)
    assert (read.ssl, read.ssl_ca, read.charset, read.zone) == ("verify", str(authority), "utf8", "+01:00")
    assert "p/w" not in repr(read)


# -- reaching the server -----------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters", ["?charset=utf8mb4", "?charset=utf8mb3", "?ssl=disabled", "?ssl=preferred"]
)
def test_a_server_is_reached(mariadb_url: str, parameters: str) -> None:
    link = open_link(login(system(mariadb_url + parameters)))
    assert link.rows("SELECT 'é', %s", ("日",)) == [("é", "日")]
    link.close()


def test_tls_is_not_given_up_when_it_is_required(mariadb_url: str) -> None:
    with pytest.raises(SystemUnreachable, match="SSL"):
        open_link(login(system(f"{mariadb_url}?ssl=required")))


def test_a_refused_login_says_so_without_its_password(mariadb_url: str) -> None:
    refused = system(mariadb_url, user="nobody", password="pa55wörd日")
    with pytest.raises(ConfigurationError, match="denied") as caught:
        open_link(login(refused))
    assert "pa55" not in str(caught.value)
    (fault,) = caught.value.faults
    assert (fault.field, fault.hint) == ("systems.erp.password", "correct the user or the password")


def test_a_database_that_is_not_there_says_so(mariadb_url: str) -> None:
    with pytest.raises(ConfigurationError, match="nowhere") as caught:
        open_link(login(system(mariadb_url.rpartition("/")[0] + "/nowhere")))
    (fault,) = caught.value.faults
    assert (fault.field, fault.hint) == ("systems.erp.url", "correct the name of the database")


def test_a_server_that_is_too_old_is_named(mariadb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marea.connectors.mysql.link.OLDEST", {True: (99, 0, 0), False: (99, 0, 0)})
    with pytest.raises(ConfigurationError, match=r"MariaDB 99\.0\.0 or later"):
        open_link(login(system(mariadb_url)))


def test_an_unknown_zone_is_a_fault_of_the_configuration(mariadb_url: str) -> None:
    with pytest.raises(ConfigurationError, match="Mars/Phobos"):
        open_link(login(system(mariadb_url, timezone="Mars/Phobos")))


def test_a_stream_that_is_left_gives_its_connection_up(mariadb_url: str) -> None:
    link = open_link(login(system(mariadb_url)))
    stream = link.stream("SELECT seq FROM seq_1_to_100000", (), 10)
    assert len(next(stream)) == 10
    stream.close()  # type: ignore[attr-defined]
    assert link.lost
    with pytest.raises(SystemUnreachable):
        link.rows("SELECT 1")


def test_a_server_that_dies_in_the_middle_of_a_stream_is_away(mariadb_url: str) -> None:
    link = open_link(login(system(mariadb_url)))
    number = link.rows("SELECT CONNECTION_ID()")[0][0]
    stream = link.stream("SELECT seq, repeat('x', 1000) FROM seq_1_to_1000000", (), 100)
    next(stream)
    run_sql(mariadb_url, f"KILL {number}")
    with pytest.raises(SystemUnreachable):
        list(stream)
    assert link.lost


def test_values_of_every_length_come_over_the_wire(mariadb_url: str) -> None:
    link = open_link(login(system(mariadb_url)))
    lengths = [0, 1, 250, 251, 252, 65_535, 65_536, 16_777_300]
    link.run("SET SESSION max_statement_time = 0")
    texts = ", ".join(f"repeat('x', {length})" for length in lengths[:-1])
    rows = [row for page in link.stream(f"SELECT {texts}, NULL, 'end'", (), 10) for row in page]
    assert [value if value is None else len(value) for value in rows[0]] == [*lengths[:-1], None, 3]
    link.close()


# -- clocks ------------------------------------------------------------------------------


def now(link: Link) -> str:
    """Whole seconds since 1970."""
    return str(link.rows("SELECT FLOOR(UNIX_TIMESTAMP(NOW(6)))")[0][0])


@pytest.mark.parametrize("zone", ["SYSTEM", "+05:30", "-11:00"])
@pytest.mark.parametrize("native", ["DATETIME", "DATETIME(6)", "TIMESTAMP(3)", "DATE"])
def test_a_moment_is_not_later_than_what_is_written_after_it(
    mariadb_url: str, in_zone: Callable[[str], None], zone: str, native: str
) -> None:
    in_zone(zone)
    run_sql(mariadb_url, f"CREATE TABLE t (id INT, m {native})")
    link, dialect = open_link(login(system(mariadb_url))), MysqlDialect()
    known = dialect if zone == "SYSTEM" else MysqlDialect(zone)
    for number in range(20):
        at = str((dialect, known)[number % 2].moment(native, now(link)))
        clock = link.rows(f"SELECT {dialect.stamp_out(at, native)}")[0][0]
        run_sql(mariadb_url, f"INSERT INTO t VALUES ({number}, NOW(6))")
        stamp = f"SELECT m >= {dialect.stamp_in('%s', native)} FROM t WHERE id = {number}"
        assert link.rows(stamp, (clock,)) == [("1",)], clock
    fresh = f"SELECT max(m) < {known.moment(native, now(link))} + INTERVAL 30 SECOND FROM t"
    assert link.rows(fresh) == [("1",)]
    link.close()


@pytest.fixture
def rome(servers: Servers) -> None:
    """The server knows Europe/Rome."""
    tool = shutil.which("mariadb-tzinfo-to-sql")
    if not tool or not (ZONES / "Europe/Rome").exists():
        pytest.skip("the server's zone tool or the system's zones are not installed")
    text = run(
        [tool, str(ZONES / "Europe/Rome"), "Europe/Rome"], capture_output=True, text=True, check=True
    ).stdout
    server = servers.get("mariadb")
    run_sql(server.url("mysql"), text)


def test_the_hour_that_happens_twice_is_before_no_moment(mariadb_url: str, rome: None) -> None:
    """Around the end of summer time no moment, as a stamp, is past the local time of a later one."""
    link, dialect = open_link(login(system(mariadb_url, timezone="Europe/Rome"))), MysqlDialect("Europe/Rome")
    zone, start = ZoneInfo("Europe/Rome"), dt.datetime(2024, 10, 26, 22, 0, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=7 * step) for step in range(50)]
    clocks = []
    for moment in moments:
        at = str(dialect.moment("datetime", f"{moment.timestamp():.0f}"))
        text = link.rows(f"SELECT {dialect.stamp_out(at, 'datetime')}")[0][0]
        clocks.append(dt.datetime.fromisoformat(str(text)))
    local = [moment.astimezone(zone).replace(tzinfo=None) for moment in moments]
    assert min(local[30:]) < max(local[:30])
    for index, clock in enumerate(clocks):
        assert clock <= min(local[index:])
        assert local[index] - clock <= dt.timedelta(hours=1)
    link.close()


def test_a_snapshots_clock_stands_still_from_before_it_began(mariadb_url: str) -> None:
    source = MysqlConnector().source(system(mariadb_url))
    query = Query(
        "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) AS CHAR) AS n, CAST(UNIX_TIMESTAMP(SYSDATE(6)) AS CHAR) AS s"
    )
    columns = [Column(name, pa.string(), "") for name in "ns"]
    with source.snapshot() as reader:
        rows = [next(reader.stream(query, columns, 1)).to_pylist()[0] for _ in range(5)]
    assert len({row["n"] for row in rows}) == 1
    assert all(float(row["n"]) < float(row["s"]) for row in rows)
    later = rows[0]["n"]
    while later == rows[0]["n"]:  # for a moment it is told as it was
        with source.snapshot() as reader:
            later = next(reader.stream(query, columns, 1)).to_pylist()[0]["n"]
    assert later > rows[0]["n"]
    source.close()


# -- errors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (2006, Kind.LOST),
        (2013, Kind.LOST),
        (1927, Kind.LOST),
        (1040, Kind.AWAY),
        (1290, Kind.AWAY),
        (1114, Kind.AWAY),
        (1213, Kind.CONTENDED),
        (1205, Kind.CONTENDED),
        (1020, Kind.CONTENDED),
        (1062, Kind.DUPLICATE),
        (1406, Kind.DATA),
        (1452, Kind.DATA),
        (3819, Kind.DATA),
        (1064, Kind.STATEMENT),
        (1146, Kind.STATEMENT),
        (1142, Kind.STATEMENT),
        (1792, Kind.STATEMENT),
        (65_000, Kind.STATEMENT),
    ],
)
def test_a_number_means_one_thing(number: int, meaning: Kind) -> None:
    assert kind(number) is meaning


@pytest.mark.parametrize(
    "error",
    [
        pymysql.err.InterfaceError(0, ""),
        pymysql.err.InternalError("Packet sequence number wrong - got 3 expected 1"),
        pymysql.err.OperationalError(2013, "Lost connection to pa55word"),
        BrokenPipeError(32, "Broken pipe"),
        TimeoutError("timed out"),
    ],
)
def test_a_connection_that_broke_is_away_whatever_says_so(error: Exception) -> None:
    translated = translate(error, login(system("mariadb://u:pa55word@h/d")), writing=True)
    assert isinstance(translated, SystemUnreachable)
    assert translated.message
    assert "pa55word" not in str(translated)


# -- locks -------------------------------------------------------------------------------


def test_a_lock_is_waited_for_no_longer_than_half_a_minute(mariadb_url: str) -> None:
    link = open_link(login(system(mariadb_url)))
    assert link.rows("SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout") == [("30", "30")]
    link.close()


def test_a_table_that_another_session_has_locked_says_so(mariadb_url: str) -> None:
    run_sql(mariadb_url, "CREATE TABLE held (x integer); SET GLOBAL lock_wait_timeout = 1")
    link = open_link(login(system(mariadb_url)))
    other = open_link(login(system(mariadb_url)))
    try:
        other.run("LOCK TABLES held WRITE")
        with pytest.raises(SystemUnreachable) as caught:
            link.rows("SELECT x FROM held")
        assert "Lock wait timeout" in caught.value.message
        assert "another transaction stood in the way" in caught.value.hint
    finally:
        other.close()
        link.close()
        run_sql(mariadb_url, "SET GLOBAL lock_wait_timeout = DEFAULT")
