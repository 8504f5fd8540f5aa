from __future__ import annotations

import pytest

from marea.config.settings import EntitySettings, ReferenceField, SourceSettings, TargetSettings
from marea.engine.entity.order import in_order, waking

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


def test_who_may_be_released_is_awake_through_any_number_of_others() -> None:
    known = entities(a=["b"], b=["c"], c=["a"], d=["e"], e=[], f=["f"])
    names = in_order(known, known)
    assert waking(known, names, set(known)) == []
    for one in "abc":
        assert set(waking(known, names, set(known) - {one})) == {"a", "b", "c"}
    assert waking(known, names, set(known) - {"e"}) == ["e", "d"]
    assert waking(known, names, set(known) - {"d", "f"}) == ["d", "f"]


def test_an_entity_that_is_not_in_the_run_passes_nothing_on() -> None:
    known = entities(a=["b"], b=["c"], c=[])
    assert waking(known, ["c", "a"], {"a"}) == ["c"]
