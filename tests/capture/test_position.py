from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.capture.horizon import Mark
from marea.capture.position import Feed, Position
from marea.capture.sweep import Sweep, swept
from marea.errors import RunStopped
from marea.sql.feeds import Cursor

pytestmark = pytest.mark.unit

CURSORS = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.builds(Cursor, st.text(), st.none() | st.text(), st.booleans()),
    max_size=3,
)
FEEDS = st.dictionaries(st.text(max_size=5), st.builds(Feed, st.text(), st.text(), st.text()), max_size=3)
MARKS = st.builds(
    Mark,
    st.floats(allow_nan=False),
    st.frozensets(st.text()),
    st.dictionaries(st.text(), st.text(), max_size=2),
)
POSITIONS = st.builds(Position, CURSORS, FEEDS, st.lists(MARKS, max_size=3).map(tuple))


@pytest.mark.property
@given(POSITIONS)
def test_a_position_survives_its_text(position: Position) -> None:
    assert Position.from_text(position.to_text()) == position


@pytest.mark.property
@given(st.builds(Sweep, st.none() | st.text(), POSITIONS.map(Position.to_text)))
def test_a_first_load_on_its_way_survives_its_text_and_is_told_from_one_that_is_through(sweep: Sweep) -> None:
    assert swept(sweep.to_text()) == sweep
    assert swept(sweep.then) is None


def test_the_durable_form_is_pinned() -> None:
    position = Position({"": Cursor("2026-01-01 10:00:00", '[1,"a"]'), "options": None})
    assert position.to_text() == (
        '{"v":1,"cursors":{"":{"stamp":"2026-01-01 10:00:00","key":"[1,\\"a\\"]"},"options":null}}'
    )


def test_a_newer_form_is_refused() -> None:
    with pytest.raises(RunStopped, match="newer"):
        Position.from_text('{"v":99,"cursors":{}}')
