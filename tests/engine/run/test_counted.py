"""Records that a run looks at again count once: a plain model of one look after the other says how."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.delivery.settle import ENDS
from marea.engine.run.counted import Counted
from marea.model import KEYLESS, TROUBLED, Outcome

ENDINGS = st.sampled_from(["created", "updated", "deleted", "rejected", "waiting", "same", "touched"])
LOOKS = st.lists(st.dictionaries(st.sampled_from("abcd"), ENDINGS), max_size=4)


def ends(found: dict[str, str]) -> pa.Table:
    rows = [
        (key, end, None) if end in set(Outcome) else (key, "unchanged", end) for key, end in found.items()
    ]
    schema = pa.schema([(name, pa.string()) for name in ENDS])
    return pa.Table.from_pylist([dict(zip(ENDS, row, strict=True)) for row in rows], schema)


@pytest.mark.property
@given(LOOKS, st.integers(1, 3))
def test_the_books_hold_the_last_end_of_each_record_and_no_delivery_is_lost(
    looks: list[dict[str, str]], size: int
) -> None:
    counted = Counted(again=True)
    books: Counter[str] = Counter()
    last: dict[str, str] = {}
    for found in looks:
        with counted.look():
            keys = list(found)
            for batch in (keys[start : start + size] for start in range(0, len(keys), size)):
                books.update(found[key] for key in batch)
                again = counted.count(ends({key: found[key] for key in batch}), {})
                books.subtract(again.skipped)
                books.subtract({k.value: n for k, n in again.counts.items() if k is not Outcome.UNCHANGED})
                assert again.counts.get(Outcome.UNCHANGED, 0) == sum(again.skipped.values())
                # The state takes these back by itself: it knows their run.
                books.subtract(last[key] for key in batch if last.get(key) in TROUBLED)
        for key, end in found.items():
            kept = end in ("same", "touched") and last.get(key) not in (None, *TROUBLED)
            last[key] = last[key] if kept else end
    assert +books == Counter(last.values())
    assert min(books.values(), default=0) >= 0


@pytest.mark.unit
def test_rows_without_a_key_are_those_of_the_last_look() -> None:
    counted = Counted(again=True)
    left_out = 0
    for numbers in ([2, 1], [3, 0, 4]):
        with counted.look():
            for number in numbers:
                again = counted.count(ends({str(number): "same"}), {KEYLESS: number})
                left_out += number - again.skipped.get(KEYLESS, 0)
        assert left_out == sum(numbers)


@pytest.mark.unit
def test_what_is_looked_at_once_is_not_remembered() -> None:
    counted = Counted(again=False)
    for _ in range(2):
        with counted.look():
            assert not counted.count(ends({"a": "created"}), {}).counts
