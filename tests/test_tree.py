"""What is long is short enough, and the listing of `make tree` leaves nothing out."""

from __future__ import annotations

import pytest

from tree import HOME, MEDIAN_LINES, listing, middle, modules, over

pytestmark = pytest.mark.unit


def test_the_listing_names_every_module_and_the_longest_function() -> None:
    told = "\n".join(listing())
    for module in modules("src"):
        assert f"{len((HOME / module.path).read_text('utf-8').splitlines()):5} {module.path}" in told
    longest = max(each for module in modules("src") for each in module.functions)
    assert f"the longest:\n{longest.lines:5} {longest.module}: {longest.name}\n" in told


def test_no_module_and_no_function_is_longer_than_it_may_be() -> None:
    found = modules("src")
    assert list(over(found)) == []
    assert middle(found) <= MEDIAN_LINES
