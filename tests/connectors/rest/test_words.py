"""The application's own words, however it nests them, and nothing in them that must not be shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.config.scrub import SHORTEST
from marea.connectors.rest.answers import Answer, dig, refusal
from marea.connectors.rest.words import LONGEST, clean

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "message", "detail", "field", "loc", "source", "x"]), inner
        )
    ),
    max_leaves=20,
)


def answer(value: Any, status: int = 422) -> Answer:
    body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return Answer(status, body, {})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "text", "field"),
    [
        ({"error": "No such tax code"}, "No such tax code", ""),
        ({"message": "Too short", "code": 17}, "Too short", ""),
        ({"error": {"code": "E1", "message": "Too short", "field": "vat"}}, "Too short", "vat"),
        ({"detail": [{"loc": ["body", "vat"], "msg": "too short", "type": "x"}]}, "too short", "vat"),
        ({"errors": {"vat": ["too short", "not a number"]}}, "too short; not a number", "vat"),
        ({"errors": {"vat": ["short"], "name": ["empty"]}}, "vat: short; name: empty", ""),
        ({"errors": [{"field": "vat", "message": "short"}]}, "short", "vat"),
        (
            {
                "error": "short; empty",
                "errors": [{"field": "vat", "message": "short"}, {"field": "name", "message": "empty"}],
            },
            "vat: short; name: empty",
            "",
        ),
        ({"error": "short", "errors": [{"field": "vat", "message": "short"}]}, "short", "vat"),
        (
            {"error": "too short", "errors": [{"field": "vat", "message": "short"}]},
            "too short; vat: short",
            "vat",
        ),
        (
            {"error": "Invalid", "errors": [{"field": "vat", "message": "short"}]},
            "Invalid; vat: short",
            "vat",
        ),
        (
            {"errors": [{"title": "Invalid", "detail": "short", "source": {"pointer": "/data/vat"}}]},
            "short; Invalid",
            "vat",
        ),
        ({"type": "about:blank", "title": "Bad", "detail": "short"}, "short; Bad", ""),
        ({"name": ["This field is required."]}, "This field is required.", "name"),
        (["first", "second"], "first; second", ""),
        ({"success": False, "error": "no"}, "no", ""),
        ("a plain text\r\nin two lines", "a plain text in two lines", ""),
        ("<html><title>422</title><style>p {}</style><p>Too short</p></html>", "422 Too short", ""),
    ],
)
def test_words_and_field(value: Any, text: str, field: str) -> None:
    problem = refusal(answer(value))
    assert (clean(problem.text, ()), problem.field, problem.code) == (text, field, "http 422")


@pytest.mark.unit
@pytest.mark.parametrize("value", ["", "null", "{}", "[]", {"error": None}])
def test_no_words_are_said_to_be_none(value: Any) -> None:
    assert refusal(answer(value)).text == "refused with http 422 and no words"


@pytest.mark.unit
def test_deep_and_broken_answers_are_survived() -> None:
    deep = "[" * 200_000
    assert clean(refusal(answer(deep)).text, ()).startswith("[[[")
    assert refusal(Answer(400, b"\xff\xfe broken", {})).text.endswith("broken")


@pytest.mark.property
@given(JSON)
def test_any_json_gives_words(value: Any) -> None:
    problem = refusal(answer(value))
    assert problem.text
    assert len(clean(problem.text, ())) <= LONGEST


@pytest.mark.property
@given(
    st.lists(st.text(min_size=SHORTEST, max_size=12).filter(str.strip), min_size=1, max_size=3),
    st.lists(st.text(max_size=30), max_size=5),
    st.integers(0, 3000),
)
def test_no_secret_is_ever_shown(secrets: list[str], texts: list[str], padding: int) -> None:
    if any(set(secret) <= {"*", " "} or secret in "…***" for secret in secrets):
        return
    said = "x" * padding + "".join(text + secret for text in texts for secret in secrets)
    shown = clean(said, secrets)
    for secret in secrets:
        if not set(secret) & set("*x… "):
            assert secret not in shown
    assert len(shown) <= LONGEST
    assert all(char.isprintable() for char in shown)


@pytest.mark.unit
def test_half_a_secret_at_the_end_is_a_secret_too() -> None:
    said = "a" * (LONGEST - 4) + "pa55word-and-more"
    assert "pa5" not in clean(said, ["pa55word-and-more"])


@pytest.mark.unit
def test_dotted_paths() -> None:
    value = {"customer": {"ids": [{"id": 7}]}, "a": "text"}
    assert dig(value, "customer.ids.0.id") == 7
    assert dig(value, "") is value
    for path in ("customer.ids.1.id", "customer.x.y", "a.b", "customer.ids.-1", "customer.ids.²"):
        assert dig(value, path) is None
