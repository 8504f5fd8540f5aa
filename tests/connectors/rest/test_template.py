"""Path templates: whatever a key holds, it stays inside its place."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.rest.application import Application, Reply
from connectors.rest.tools import Targets, batch, codes, shape
from marea.connectors.rest.template import Template, Unaddressable

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
HOSTILE = (
    "a/b",
    "a?b=c",
    "100%",
    "%2F",
    "è",
    "a b",
    "a#b",
    "../x",
    "…",
    "日本",
    "+",
    "&",
    "a\\b",
    ";",
    "//x",
)


@pytest.mark.property
@given(TEXTS, TEXTS)
@example("a/b", "c/d")
@example("?x=1", "#y")
@example("%2e%2e", "%")
def test_a_key_never_leaves_its_place(first: str, second: str) -> None:
    if {first, second} & {".", ".."}:
        return
    path = Template.parse("/{object}/{key}/end?q={second}&z=1").render(
        {"object": ("accounts",), "key": (first, second), "second": (second,)}
    )
    parts = urlsplit(path)
    assert [unquote(part) for part in parts.path.split("/")] == ["", "accounts", first, second, "end"]
    assert parse_qs(parts.query, keep_blank_values=True) == {"q": [second], "z": ["1"]}
    assert path.isascii()


@pytest.mark.unit
@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_step_to_another_address_is_refused(part: str) -> None:
    with pytest.raises(Unaddressable):
        Template.parse("/{object}/{key}").render({"object": ("accounts",), "key": ("a", part)})


@pytest.mark.unit
def test_dots_are_harmless_in_a_question() -> None:
    template = Template.parse("/{object}?external_id={key}")
    assert template.render({"object": ("a",), "key": ("..",)}) == "/a?external_id=.."
    with pytest.raises(Unaddressable):
        template.render({"object": ("a",), "key": ("",)})


@pytest.mark.unit
def test_what_is_written_is_kept() -> None:
    assert Template.parse("/a%20b/ü?x=1&y=a+b").render({}) == "/a%20b/%C3%BC?x=1&y=a+b"


@pytest.mark.integration
def test_hostile_keys_arrive_as_they_are(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply()
    rows = [{"code": text} for text in HOSTILE]
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), rows))
    assert not receipt.rejected
    arrived = sorted(unquote(path.removeprefix("/accounts/")) for path in application.paths("PUT"))
    assert arrived == sorted(HOSTILE)
    assert all(path.count("/") == 2 for path in application.paths("PUT"))


@pytest.mark.integration
def test_a_key_that_would_name_another_address_is_rejected_alone(
    application: Application, targets: Targets
) -> None:
    rows = [{"code": text} for text in ("a", "..", ".", "", "b")]
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), rows))
    assert codes(receipt) == {1: "address", 2: "address", 3: "address"}
    assert sorted(application.paths("PUT")) == ["/accounts/a", "/accounts/b"]
