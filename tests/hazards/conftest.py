"""Owns the fixtures of the hazard tests: worlds on every database, the command line, an application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from cli.conftest import marea
from connectors.rest.conftest import application, crm, crm_process, targets
from worlds import ENTITIES, World

__all__ = ["application", "crm", "crm_process", "marea", "targets"]

MakeWorld = Callable[..., World]


@pytest.fixture
def sqlite_world(tmp_path: Path) -> MakeWorld:
    """Makes a world of SQLite files; the ERP's may be read while it is written."""

    def make(config: str = ENTITIES, customers: int = 12) -> World:
        made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, config)
        connection = apsw.Connection(str(tmp_path / "erp.db"))
        connection.pragma("journal_mode", "wal")
        connection.close()
        made.fill(customers)
        return made

    return make


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def make_world(request: pytest.FixtureRequest, tmp_path: Path) -> MakeWorld:
    """Makes a world whose ERP is one of each database, its CRM a file."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_world")  # type: ignore[no-any-return]
    url = request.getfixturevalue(f"{request.param}_url")

    def make(config: str = ENTITIES, customers: int = 12) -> World:
        made = World(url, f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, config)
        made.fill(customers)
        return made

    return make
