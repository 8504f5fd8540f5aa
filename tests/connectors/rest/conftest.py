"""Owns the fixtures of the REST tests: a demo CRM, an application that answers by script, targets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.rest.application import Application
from connectors.rest.tools import Targets
from marea.demo.crm_process import CrmProcess


@pytest.fixture(scope="session")
def crm_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrmProcess]:
    with CrmProcess(tmp_path_factory.mktemp("crm") / "crm.db") as process:
        yield process


@pytest.fixture
def crm(crm_process: CrmProcess) -> CrmProcess:
    """The demo CRM, empty, well, and with its counts at nothing."""
    well = {"maintenance": False, "latency": 0, "lose": 0, "fail": [], "throttle": 0, "throttle_after": "1"}
    crm_process.ask("POST", "/admin/faults", well)
    crm_process.ask("DELETE", "/admin/records")
    crm_process.ask("DELETE", "/admin/calls")
    return crm_process


@pytest.fixture
def application() -> Iterator[Application]:
    """An application that answers as the test says."""
    with Application() as running:
        yield running


@pytest.fixture
def targets() -> Iterator[Targets]:
    """Makes targets and closes them in the end."""
    made = Targets()
    yield made
    made.close()
