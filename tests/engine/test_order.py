from __future__ import annotations

import pytest

from marea.config.settings import EntitySettings, ReferenceField, SourceSettings, TargetSettings
from marea.engine.order import in_order

pytestmark = pytest.mark.unit


def entities(**references: list[str]) -> dict[str, EntitySettings]:
    return {
        name: EntitySettings(
            name,
            SourceSettings("erp", name, ("id",)),
            TargetSettings("crm", name, ("id",)),
            tuple(ReferenceField(f"to_{other}", other, ("x",)) for other in others),
        )
        for name, others in references.items()
    }


def test_parents_come_first_and_else_the_order_of_the_file() -> None:
    known = entities(orders=["customers", "items"], items=["units"], customers=[], units=[])
    assert in_order(known, ["orders", "customers", "items", "units"]) == [
        "customers",
        "units",
        "items",
        "orders",
    ]


def test_entities_not_wanted_still_order_the_others() -> None:
    known = entities(a=["b"], b=["c"], c=[])
    assert in_order(known, ["a", "c"]) == ["c", "a"]


def test_a_circle_and_a_self_reference_have_an_order_too() -> None:
    known = entities(a=["b"], b=["a"], c=["c"])
    assert sorted(in_order(known, ["a", "b", "c"])) == ["a", "b", "c"]
