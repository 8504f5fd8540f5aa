from __future__ import annotations

import pytest

from marea.engine.reasons import Reason, grouped

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
