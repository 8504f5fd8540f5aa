"""The contract of targets, on the demo CRM."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from connectors.rest.tools import OWN_IDS, Targets
from marea.capabilities import Addressing, GivingIds, Knocking, Stoppable
from marea.connectors.rest import RestConnector
from marea.connectors.rest.retry import Policy
from marea.demo.crm_process import CrmProcess
from marea.errors import SystemUnreachable
from marea.ports import Connector, Shape, Target
from marea.testing import ConnectorContract, TargetContract
from marea.testing.deciding import Deciding
from marea.testing.delivering import Row

pytestmark = pytest.mark.contract


class TestRestConnector(ConnectorContract):
    name = "rest"
    capabilities = (Addressing,)
    alike = ("https://reader:pa55word@crm.example/api/", "HTTPS://CRM.example:443/api")
    others = ("http://crm.example/api", "https://crm.example:444/api", "https://crm.example/api/v2")
    unreadable = ("https://reader:pa55word@host:port/api", "https://reader:pa55word@/api")
    options = MappingProxyType(
        {
            "auth": {"bearer": "pa55word"},
            "upsert": {"method": "PUT", "path": "/{object}/{key}?key=pa55word"},
            "concurrency": 2,
        }
    )
    wrong = MappingProxyType({"concurrency": "many", "rate": -1, "timeout": "soon", "verify": "perhaps"})
    roles = ("target",)

    @pytest.fixture
    def connector(self) -> Connector:
        return RestConnector()


class TestRestTarget(TargetContract):
    capabilities = (GivingIds, Knocking, Stoppable)
    gaps = MappingProxyType(
        {
            "test_a_place_that_is_gone_is_made_anew_only_on_request": (
                "an application says nothing of its objects before it is given a record"
            )
        }
    )

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

    @pytest.fixture
    def sessions(self, crm: CrmProcess) -> Callable[[], set[str]]:
        return lambda: set(crm.ask("GET", "/admin/sessions"))

    @pytest.fixture
    def refused(self, crm: CrmProcess) -> Row:
        crm.ask("POST", "/admin/faults", {"fail": ["no"]})
        return self.row("no")

    @pytest.fixture
    def lose_answer(self, cut: Callable[[], None]) -> Callable[[], None]:
        return cut

    @pytest.fixture
    def leave(self, crm: CrmProcess) -> Callable[[], object]:
        return lambda: crm.ask("POST", "/admin/faults", {"maintenance": True})

    def test_a_cut_that_cuts_nothing_proves_nothing(
        self,
        target: Target,
        held: Callable[[str], list[dict[str, Any]]],
        codes: Shape,
        sessions: Callable[[], set[str]],
    ) -> None:
        with pytest.raises(AssertionError, match="the connection was not cut"):
            self.test_a_connection_that_breaks_comes_back(target, held, codes, lambda: None, sessions)

    def test_a_knock_finds_whether_anything_answers(self, crm: CrmProcess, targets: Targets) -> None:
        target = targets.crm(crm.address)
        assert isinstance(target, Knocking)
        target.knock()
        assert crm.ask("GET", "/admin/calls")["calls"] == {}
        with pytest.raises(SystemUnreachable, match="nothing answers at localhost:1: "):
            targets.at("http://user:pa55word@localhost:1").knock()


class TestRestTargetThatTriesOnce(TestRestTarget):
    """What is lost stays lost: it is not sent again within the delivery."""

    @pytest.fixture
    def target(self, crm: CrmProcess, targets: Targets) -> Target:
        return targets.crm(crm.address, Policy(attempts=1))


class TestRestTargetThatCannotRepeat(Deciding):
    """The application gives its own ids, and cannot be asked for a record."""

    capabilities = (GivingIds, Knocking, Stoppable)

    @pytest.fixture
    def target(self, crm: CrmProcess, targets: Targets) -> Target:
        return targets.crm(crm.address, **{**OWN_IDS, "find": None})

    @pytest.fixture
    def codes(self) -> Shape:
        return self.made(name="accounts")

    @pytest.fixture
    def held(self, crm: CrmProcess) -> Callable[[str], list[dict[str, Any]]]:
        return lambda name: crm.ask("GET", "/api/v2/accounts?limit=100")["items"]

    @pytest.fixture
    def refused(self) -> Row:
        return {"code": "no", "name": ""}

    @pytest.fixture
    def lose_answer(self, crm: CrmProcess) -> Callable[[], object]:
        return lambda: crm.ask("POST", "/admin/faults", {"lose": 1})

    def test_it_is_one_that_cannot_repeat(self, target: Target, codes: Shape) -> None:
        assert not target.repeats(codes)

    @pytest.fixture
    def leave(self, crm: CrmProcess) -> Callable[[], object]:
        return lambda: crm.ask("POST", "/admin/faults", {"maintenance": True})
