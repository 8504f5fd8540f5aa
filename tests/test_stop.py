from __future__ import annotations

import pytest

from marea.errors import RunInterrupted, RunStopped
from marea.stop import Stop

pytestmark = pytest.mark.unit


def test_only_the_first_reason_counts() -> None:
    stop = Stop()
    stop.check()
    stop.ask(RunStopped("first"))
    stop.ask(RunInterrupted("second"))
    with pytest.raises(RunStopped, match="first"):
        stop.check()


def test_an_inner_one_ends_with_the_outer_and_not_the_other_way_round() -> None:
    outer = Stop()
    first, second = Stop(outer), Stop(outer)
    first.ask(RunStopped("its own"))
    assert (first.asked, second.asked, outer.asked) == (True, False, False)
    outer.ask()
    assert isinstance(second.why, RunInterrupted)
    assert isinstance(first.why, RunStopped)


def test_who_listens_is_told_until_he_leaves() -> None:
    told: list[str] = []
    outer = Stop()
    inner = Stop(outer)
    with inner.telling(lambda: told.append("gone")):
        pass
    with inner.telling(lambda: told.append("there")):
        assert told == []
        outer.ask()
        assert told == ["there"]
    with inner.telling(lambda: told.append("late")):
        assert told == ["there", "late"]
