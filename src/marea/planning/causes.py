"""Owns the cause that a record's change is logged with: how it was found, and what its dates say to that."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marea.model import Cause

_COUNTS = r"(^|\|)(\d+/)+"  # how many rows of a list a stamp stands for: see `Compiler`


_WHOLE = (Cause.FULL, Cause.FIRST_LOAD)
"""All records are read: how one of them was found is for its dates to say."""

_BESIDE_DATES = (Cause.SCAN, Cause.XMIN, Cause.TRIGGER, Cause.LOG)
"""Captures that do not go by the dates."""


class Dates(Enum):
    """What became of a record's last-edit dates since it was delivered."""

    SAME = "same"
    MOVED = "moved"
    UNTOLD = "untold"
    """Rows came or went, or there is no date any more: the dates that are left tell nothing."""


def cause_of(found: Cause, dates: Dates, *, known: bool, dated: bool) -> Cause:
    """The cause of one record's change.

    `found` is how the capture came by the record; `known` whether it was delivered before;
    `dated` whether every table it is made of has a last-edit date, so that a change which
    moved none went around them. Only a capture that does not go by the dates finds what none of
    them brought; all other causes say already why these records were read.
    """
    if found not in (*_WHOLE, *_BESIDE_DATES) or not known:
        return found
    if dates is Dates.MOVED:
        return Cause.LAST_EDIT if found in _WHOLE else found
    return Cause.DIRECT_SQL if dates is Dates.SAME and dated else found


def causes(found: Cause, now: Any, before: Any, known: Any, *, dated: bool) -> Any:
    """`cause_of` for columns: the stamps now and in the ledger (null where there is none)."""
    if not pc.any(known).as_py():
        return pa.repeat(found.value, len(known))
    told = {each: cause_of(found, each, known=True, dated=dated).value for each in Dates}
    if len({found.value, *told.values()}) == 1:
        return pa.repeat(found.value, len(known))
    dates = pc.replace_substring_regex(now, _COUNTS, r"\1")
    other = pc.not_equal(dates, pc.replace_substring_regex(before, _COUNTS, r"\1"))
    moved = pc.fill_null(pc.and_(other, pc.not_equal(dates, "")), False)
    same = pc.fill_null(pc.equal(now, before), False)
    cause = pc.if_else(moved, told[Dates.MOVED], told[Dates.UNTOLD])
    return pc.if_else(known, pc.if_else(same, told[Dates.SAME], cause), found.value)
