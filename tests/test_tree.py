"""What is long is short enough, and the listing of `make tree` leaves nothing out."""

from __future__ import annotations

import pytest

from tree import HOME, MEDIAN_LINES, listing, middle, modules, over

pytestmark = pytest.mark.unit


def test_the_listing_names_every_module_and_the_longest_function() -> None:
    told = "\n".join(listing())
    for module in modules("src"):
        text = (HOME / module.path).read_text("utf-8")
        [line] = [line for line in told.splitlines() if f" {module.path} " in f"{line} "]
        assert line.startswith(f"{len(text.splitlines()):5} ")
        assert line.endswith(text.partition("\n")[0].strip('"'))
    longest = max(each for module in modules("src") for each in module.functions)
    assert f"the longest:\n{longest.lines:5} {longest.module}: {longest.name}\n" in told


def test_every_module_opens_with_what_it_owns() -> None:
    told = [module for module in modules("src") if module.lines and module.path != "src/marea/__init__.py"]
    assert [module.path for module in told if not module.owns.startswith("Owns ")] == []


def test_no_module_and_no_function_is_longer_than_it_may_be() -> None:
    found = modules("src")
    assert list(over(found)) == []
    assert middle(found) <= MEDIAN_LINES
