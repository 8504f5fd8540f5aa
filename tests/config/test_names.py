from __future__ import annotations

import pytest

from marea.config.names import nearest, suggest

pytestmark = pytest.mark.unit


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("CODE", ["name", "code"]) == 'did you mean "code"?'
    assert nearest("nmae", ["name", "code"]) == 'did you mean "name"?'
    assert nearest("colour", ["name", "code"]) == ""


def test_where_none_is_near_the_known_names_are_listed() -> None:
    assert suggest("colour", ["name", "code"]) == "known here: name, code"
    assert suggest("colour", []) == ""
    assert suggest("zz", [f"n{n}" for n in range(20)]).endswith("n11, …")
