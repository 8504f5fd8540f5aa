"""Owns the states that the store's tests run on: every test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marea.store.state import State, open_state
from store.desk import Desk


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a state that does not exist yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def state(url: str) -> Iterator[State]:
    opened = open_state(url)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def desk(state: State) -> Desk:
    return Desk(state)


@pytest.fixture(scope="session")
def dead() -> str:
    """The owner name of a process of this machine that has ended."""
    script = "from marea.store.owner import current_owner; print(current_owner())"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
