"""The contract of targets, on the demo CRM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.rest.tools import Targets
from marea.demo.crm_process import CrmProcess
from marea.ports import Target
from marea.testing import TargetContract

pytestmark = pytest.mark.contract


class TestRestTarget(TargetContract):
    @pytest.fixture
    def target(self, crm: CrmProcess, targets: Targets) -> Target:
        return targets.crm(crm.address)

    @pytest.fixture
    def another(self, crm: CrmProcess, targets: Targets) -> Target:
        return targets.crm(crm.address)

    @pytest.fixture
    def held(self, crm: CrmProcess) -> Callable[[str], list[dict[str, Any]]]:
        return crm.records

    @pytest.fixture
    def unreachable(self, targets: Targets) -> Target:
        return targets.at("http://user:pa55word@localhost:1")

    @pytest.fixture
    def cut(self, crm: CrmProcess) -> Callable[[], None]:
        return lambda: crm.ask("POST", "/admin/faults", {"lose": 1})
