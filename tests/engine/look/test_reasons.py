from __future__ import annotations

import pytest

from marea.engine.look.reasons import Reason, grouped

pytestmark = pytest.mark.unit


def test_words_that_differ_in_values_alone_are_one_reason() -> None:
    found = [
        ("name is required and empty", 4, '"1"'),
        ('vat "12" has 2 digits', 3, '"2"'),
        ('vat "345" has 3 digits', 2, '"3"'),
    ]
    assert grouped("customers", found) == [
        Reason("customers", 'vat "12" has 2 digits', 5, '"2"', True),
        Reason("customers", "name is required and empty", 4, '"1"', False),
    ]


def test_nothing_found_is_no_reason() -> None:
    assert grouped("customers", []) == []


def test_every_record_counts_however_many_words_there_are() -> None:
    found = [(f'parts "{number}" is not in the target yet', 1, f'"{number}"') for number in range(100_000)]
    [reason] = grouped("orders", [*found, ('parts "x" is not in the target yet', 1, '"x"')])
    assert (reason.records, reason.alike) == (100_001, True)
