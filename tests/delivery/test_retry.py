from __future__ import annotations

import pytest

from marea.delivery.retry import NEVER_ALONE, SCHEDULE, SOON, next_attempt
from marea.model import UNKNOWN, Outcome, Problem

pytestmark = pytest.mark.unit

NOW = 1_700_000_000_000_000
REFUSED = Problem("http 422", "no")
MINUTES = (15, 60, 360, 1440, 1440, 1440)


@pytest.mark.parametrize(("attempt", "minutes"), [*enumerate(MINUTES, 1)])
def test_a_refusal_of_the_target_is_tried_again_less_and_less_often(attempt: int, minutes: int) -> None:
    found = next_attempt(Outcome.REJECTED, REFUSED, attempt, NOW)
    assert found == NOW + minutes * 60 * 1_000_000


@pytest.mark.parametrize("code", NEVER_ALONE)
@pytest.mark.parametrize("attempt", [1, 9])
def test_what_time_does_not_mend_is_not_tried_again_by_time(code: str, attempt: int) -> None:
    assert next_attempt(Outcome.REJECTED, Problem(code, "no"), attempt, NOW) is None


@pytest.mark.parametrize("attempt", [1, 9])
def test_a_target_that_was_away_is_asked_by_the_next_run(attempt: int) -> None:
    assert next_attempt(Outcome.DEFERRED, Problem("unreachable", "away"), attempt, NOW) == NOW


@pytest.mark.parametrize(("attempt", "seconds"), [*enumerate((*SOON, SOON[-1]), 1)])
def test_a_lost_answer_is_settled_soon(attempt: int, seconds: float) -> None:
    found = next_attempt(Outcome.DEFERRED, Problem(UNKNOWN, "lost"), attempt, NOW)
    assert found == NOW + int(seconds * 1_000_000)
    assert seconds <= SCHEDULE[min(attempt, len(SCHEDULE)) - 1]


def test_a_waiting_record_is_released_by_its_parent_alone() -> None:
    assert next_attempt(Outcome.WAITING, Problem("waiting", "for 22"), 1, NOW) is None
