from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.config.settings import GuardSettings
from marea.planning.guard import passing

NUMBERS = st.integers(0, 1_000_000)
GUARDS = st.builds(GuardSettings, st.floats(0, 1), st.integers(0, 10_000))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("records", "leaving", "held", "passes"),
    [
        (12, 12, 0, 12),
        (1_000, 100, 0, 100),
        (1_000, 101, 0, 100),
        (5_000, 501, 0, 500),
        (5_009, 501, 0, 500),
        (5_000, 3, 1, 0),
        (0, 0, 0, 0),
    ],
)
def test_what_is_more_than_both_bounds_does_not_pass(
    records: int, leaving: int, held: int, passes: int
) -> None:
    assert passing(GuardSettings(0.1, 100), records, leaving, held) == passes


@pytest.mark.property
@given(GUARDS, NUMBERS, NUMBERS, NUMBERS)
def test_never_more_than_there_are_nor_than_both_bounds(
    guard: GuardSettings, records: int, leaving: int, held: int
) -> None:
    passes = passing(guard, records, leaving, held)
    assert 0 <= passes <= min(leaving, max(records * guard.deletes, guard.at_least))
    assert not (held and passes)
    if not held and leaving <= guard.at_least:
        assert passes == leaving
