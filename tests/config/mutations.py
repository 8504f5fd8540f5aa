"""Owns the random damage that the property tests do to a configuration."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

NAMES = [
    "erp",
    "crm",
    "customers",
    "code",
    "options",
    "branches",
    "table",
    "list",
    "reference",
    "key",
    "url",
    "",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**30),
    st.floats(allow_nan=False),
    st.sampled_from(
        [*NAMES, "10%", "1h30m", "never", "${CRM_TOKEN}", "${ABSENT}", "${", "$${", "sqlite:///x.db"]
    ),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner)
    ),
    max_leaves=6,
)
TOKENS = [
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "!t ",
    "'",
    '"',
    "\t",
    "|\n",
    "---\n",
    "%",
    "@",
    "?",
    "\r",
    "\u2028",
    "${",
    "\x07",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, item in items for place in places(item, (*path, name)))]


@st.composite
def damaged_values(draw: st.DrawFn, original: dict[str, Any]) -> dict[str, Any]:
    """The values with one to five of them replaced, removed, renamed or added."""
    values = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 5))):
        *above, last = draw(st.sampled_from([place for place in places(values) if place]))
        parent: Any = values
        for part in above:
            parent = parent[part]
        change = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if change == "replace":
            parent[last] = draw(VALUES)
        elif change == "remove":
            del parent[last]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(NAMES))] = parent.pop(last) if change == "rename" else draw(VALUES)
        if not values:
            break
    return values


@st.composite
def damaged_text(draw: st.DrawFn, original: str) -> str:
    """The text with one to four of its characters or lines replaced, removed, doubled or moved."""
    text = original
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["drop", "double", "indent", "token", "cut", "character"]))
        if change == "drop":
            del lines[at]
        elif change == "double":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif change == "indent":
            lines[at] = " " * draw(st.integers(0, 8)) + lines[at].lstrip()
        else:
            column = draw(st.integers(0, len(lines[at])))
            rest = lines[at][column + (change != "token") * draw(st.integers(1, 3)) :]
            added = {"token": draw(st.sampled_from(TOKENS)), "cut": ""}.get(change, draw(st.characters()))
            lines[at] = lines[at][:column] + added + rest
        text = "\n".join(lines)
    return text


def as_yaml(values: Any) -> str:
    """The values as YAML of many lines."""
    return json.dumps(values, indent=1)
