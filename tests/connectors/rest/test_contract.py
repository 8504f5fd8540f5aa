"""The contract of targets, on the demo CRM; what only a table can promise is declared a gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from connectors.rest.tools import Targets
from marea.demo.crm_process import CrmProcess
from marea.ports import Receipt, Shape, Source, Target
from marea.testing import TargetContract, shape

pytestmark = pytest.mark.contract

TABLE = "there is no table: an application keeps records as it likes"
SQL = "the test writes by SQL; test_outcomes and test_own_ids prove the same over HTTP"
ALONE = "a record that is refused is rejected alone, whatever was sent with it"


class Tableless:
    """A target whose shapes lose `create: true`, which asks for a table."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def prepare(self, shape: Shape) -> None:
        self._target.prepare(_without(shape))

    def deliver(self, shape: Shape, batch: Any) -> Receipt:
        return self._target.deliver(_without(shape), batch)

    def close(self) -> None:
        self._target.close()


def _without(shape: Shape) -> Shape:
    return replace(shape, options={name: v for name, v in shape.options.items() if name != "create"})


class TestRestTarget(TargetContract):
    gaps: ClassVar = {
        "test_a_create_of_a_record_that_is_there_adopts_it": SQL,
        "test_a_key_that_changed_moves_the_record": SQL,
        "test_a_table_without_a_unique_key": TABLE,
        "test_values_arrive_unharmed": TABLE + "; payloads are sent byte by byte",
        "test_keys_of_every_kind": TABLE + "; keys are sent as text",
        "test_faults_are_named_all_at_once": TABLE,
        "test_a_missing_table_names_the_nearest": TABLE,
        "test_prepare_is_repeatable_and_respects_a_table": TABLE,
        "test_only_the_fields_of_the_shape_are_written": "a PUT gives the whole record",
        "test_a_refused_batch_leaves_nothing": ALONE,
        "test_a_value_of_the_wrong_type_is_refused": ALONE,
        "test_a_target_that_is_away_says_so": "prepare calls nothing; the first delivery says it",
        "test_a_connection_that_breaks_says_so_and_comes_back": "it comes back without a word",
    }

    @pytest.fixture
    def target(self, crm: CrmProcess, targets: Targets) -> Target:
        return Tableless(targets.crm(crm.address))

    @pytest.fixture
    def another(self, crm: CrmProcess, targets: Targets) -> Target:
        return Tableless(targets.crm(crm.address))

    @pytest.fixture
    def source(self, crm: CrmProcess) -> Any:
        return crm

    @pytest.fixture
    def execute(self) -> Callable[[str], object]:
        def refuse(text: str) -> object:
            raise NotImplementedError(text)

        return refuse

    @pytest.fixture
    def unreachable(self, targets: Targets) -> Target:
        return targets.at("http://user:pa55word@localhost:1")

    @pytest.fixture
    def cut(self, crm: CrmProcess) -> Callable[[], None]:
        return lambda: crm.ask("POST", "/admin/faults", {"lose": 1})

    @pytest.fixture
    def codes(self) -> Shape:
        return shape()

    def read(self, source: Source, name: str, *, order: str = "") -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = source.records(name)  # type: ignore[attr-defined]
        return sorted(records, key=lambda record: record[order]) if order else records
