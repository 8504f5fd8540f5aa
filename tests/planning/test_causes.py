from __future__ import annotations

from itertools import product

import pyarrow as pa
import pytest

from marea.model import Cause
from marea.planning.causes import Dates, cause_of, causes

pytestmark = pytest.mark.unit

WHOLE = (Cause.FULL, Cause.FIRST_LOAD)
BESIDE_DATES = (Cause.SCAN, Cause.XMIN, Cause.TRIGGER, Cause.LOG)
CHOSEN = tuple(cause for cause in Cause if cause not in (*WHOLE, *BESIDE_DATES))

# (dates, every table has a date) -> the cause of a known record that a read of all records found changed.
TABLE = {
    (Dates.SAME, True): Cause.DIRECT_SQL,
    (Dates.SAME, False): None,
    (Dates.MOVED, True): Cause.LAST_EDIT,
    (Dates.MOVED, False): Cause.LAST_EDIT,
    (Dates.UNTOLD, True): None,
    (Dates.UNTOLD, False): None,
}
"""None: the cause it was found with."""

# (in the ledger, now) -> what the dates say.
STAMPS = {
    ("a", "a"): Dates.SAME,
    ("", ""): Dates.SAME,
    ("2/a", "2/a"): Dates.SAME,
    ("a", "b"): Dates.MOVED,
    ("", "b"): Dates.MOVED,
    ("a", "a|1/b"): Dates.MOVED,
    ("a|2/b", "a|1/c"): Dates.MOVED,
    ("a|2/b", "a|3/b"): Dates.UNTOLD,
    ("2/b", "1/b"): Dates.UNTOLD,
    ("3/2/b", "3/1/b"): Dates.UNTOLD,
    ("a", ""): Dates.UNTOLD,
}


@pytest.mark.parametrize(("found", "dates", "dated"), [*product(WHOLE, Dates, (True, False))])
def test_a_record_found_among_all_tells_by_its_dates(found: Cause, dates: Dates, dated: bool) -> None:
    assert cause_of(found, dates, known=True, dated=dated) is (TABLE[dates, dated] or found)
    assert cause_of(found, dates, known=False, dated=dated) is found


@pytest.mark.parametrize(("found", "dates", "dated"), [*product(BESIDE_DATES, Dates, (True, False))])
def test_a_record_that_was_found_without_its_dates_is_direct_sql_where_none_of_them_moved(
    found: Cause, dates: Dates, dated: bool
) -> None:
    direct = dated and dates is Dates.SAME
    assert cause_of(found, dates, known=True, dated=dated) is (Cause.DIRECT_SQL if direct else found)
    assert cause_of(found, dates, known=False, dated=dated) is found


@pytest.mark.parametrize(
    ("found", "dates", "known", "dated"), [*product(CHOSEN, Dates, (True, False), (True, False))]
)
def test_a_record_that_something_brought_keeps_its_cause(
    found: Cause, dates: Dates, known: bool, dated: bool
) -> None:
    assert cause_of(found, dates, known=known, dated=dated) is found


@pytest.mark.parametrize(("found", "dated"), [*product(Cause, (True, False))])
def test_columns_say_what_single_records_say(found: Cause, dated: bool) -> None:
    before, now = zip(*STAMPS, strict=True)
    stamps = pa.array([*before, None]), pa.array([*now, "a"])
    known = pa.array([True] * len(STAMPS) + [False])
    expected = [cause_of(found, dates, known=True, dated=dated) for dates in STAMPS.values()]
    assert causes(found, stamps[1], stamps[0], known, dated=dated).to_pylist() == [*expected, found]
    unknown = pa.array([False] * len(known))
    assert set(causes(found, stamps[1], stamps[0], unknown, dated=dated).to_pylist()) == {found}
