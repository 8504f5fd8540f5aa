"""Owns the fixtures of the scenarios: Tryton on a database of the test's own, the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from absent import left_out
from cli.conftest import marea
from conftest import Servers
from environments import NotInstalled
from scenarios.tryton import template
from scenarios.tryton.program import Tryton

__all__ = ["marea"]


@pytest.fixture(scope="session")
def tryton_template(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database that is copied for each test."""
    server = servers.get("postgresql")
    try:
        return template.restored(server, tmp_path_factory.mktemp("tryton"))
    except NotInstalled as reason:
        left_out(f"Tryton cannot be installed: {reason}")


@pytest.fixture
def tryton(servers: Servers, tryton_template: str, tmp_path: Path) -> Iterator[Tryton]:
    """A running Tryton on a database of its own, which is east of UTC; Tryton itself stamps in UTC."""
    server = servers.get("postgresql")
    name = server.copy(tryton_template)
    server.execute(f"ALTER DATABASE {name} SET timezone TO 'Europe/Rome'")
    try:
        with Tryton(server.url(name), tmp_path) as running:
            yield running
    finally:
        server.drop(name)
