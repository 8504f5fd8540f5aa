from __future__ import annotations

import pytest

from marea.model import CIRCLE, Outcome, Problem
from marea.store.waits import Wait
from store.desk import Desk, row

pytestmark = pytest.mark.unit


def waiting(desk: Desk, key: str, parent: str) -> dict[str, object]:
    return row(key, Outcome.WAITING, code="waiting", blocked_entity=desk.entity, blocked_key=parent)


def test_only_what_waits_for_a_waiting_record_can_be_in_a_circle(desk: Desk) -> None:
    desk.commit(waiting(desk, "1", "2"), waiting(desk, "2", "1"), waiting(desk, "3", "9"))
    desk.commit(row("4", Outcome.REJECTED), waiting(desk, "5", "4"))
    one, two = (desk.entity, "1"), (desk.entity, "2")
    found = sorted(desk.state.waits.chained(10), key=lambda wait: wait.record)
    assert found == [Wait(one, two, "waiting"), Wait(two, one, "waiting")]
    assert len(desk.state.waits.chained(1)) == 1


def test_a_wait_is_told_in_other_words_unless_it_is_over(desk: Desk) -> None:
    desk.commit(waiting(desk, "1", "2"), waiting(desk, "2", "1"))
    before = desk.state.waits.chained(10)
    desk.commit(waiting(desk, "2", "7"))
    desk.state.waits.say([(wait, Problem(CIRCLE, "a circle", hint="Break it")) for wait in before])
    one, two = desk.record("1").trouble, desk.record("2").trouble
    assert (one.code, one.error, one.hint, one.blocked_on) == (
        CIRCLE,
        "a circle",
        "Break it",
        ("customers", "2"),
    )
    assert two.code == "waiting"
    assert [wait.record for wait in desk.state.waits.circling(10)] == [(desk.entity, "1")]
    assert desk.state.waits.circling_of(desk.entity) == (1, "1")
    assert desk.state.waits.circling_of(desk.entity + 1) == (0, None)
