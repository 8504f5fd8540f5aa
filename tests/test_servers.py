"""The servers of the tests themselves: fresh databases, an outage and its end."""

from __future__ import annotations

import pytest

from by_hand import run_sql
from conftest import Servers
from process import Server
from servers import MariadbServer, PostgresqlServer

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", ["postgresql_url", "mariadb_url", "sqlite_url"])
def test_a_database_takes_several_statements_and_parameters(
    name: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(name)
    run_sql(url, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
    holder = "?" if name == "sqlite_url" else "%s"
    assert run_sql(url, f"SELECT a FROM t WHERE a > {holder}", (1,)) == [(2,)]


def test_each_database_is_empty(postgresql_url: str, other_postgresql_url: str) -> None:
    assert postgresql_url != other_postgresql_url
    run_sql(postgresql_url, "CREATE TABLE t (a INTEGER)")
    assert run_sql(other_postgresql_url, "SELECT to_regclass('t')") == [(None,)]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_server_survives_an_outage_and_leaves_nothing_behind(kind: str, servers: Servers) -> None:
    servers.get(kind)
    own: Server = {"postgresql": PostgresqlServer, "mariadb": MariadbServer}[kind]()
    own.start()
    try:
        url = own.url(own.create())
        run_sql(url, "CREATE TABLE t (a INTEGER)")
        own.halt()
        with pytest.raises(Exception, match=r"(?i)connect"):
            run_sql(url, "SELECT 1")
        own.launch()
        assert run_sql(url, "SELECT * FROM t") == []
    finally:
        own.close()
    assert own.process is not None
    assert own.process.poll() is not None
    assert not own.folder.exists()
