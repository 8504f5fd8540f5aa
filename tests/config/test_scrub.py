from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.config.scrub import SHORTEST, one_line, scrubbed

pytestmark = pytest.mark.property

HOSTILE = st.text(st.sampled_from("pS3€è%&<>\"'\\/:@#? \t\n\x1b=+"), min_size=SHORTEST, max_size=12).filter(
    lambda text: len(set(text) - set(" \t\n\x1b")) > 2
)


@pytest.mark.parametrize("written", [str, quote, quote_plus, json.dumps, repr, escape])
@given(secret=HOSTILE, around=st.text(max_size=10))
def test_a_secret_is_found_however_it_was_written(
    written: Callable[[str], str], secret: str, around: str
) -> None:
    said = f"{around} {written(secret)} {around}"
    form = written(secret).strip("\"'") if written in (json.dumps, repr) else written(secret)
    if form not in around and form not in "***":
        assert form not in scrubbed(said, {secret, "x" * 40})
        assert " ".join(form.split()) not in one_line(said, {secret}) or form in around


@given(secret=HOSTILE)
def test_a_secret_is_found_though_its_blanks_were_joined(secret: str) -> None:
    joined = " ".join("".join(char if char.isprintable() else " " for char in secret).split())
    assert joined not in one_line(f"said {joined}!", {secret})
    assert joined not in one_line(f"said {secret}!", {secret})


@given(said=st.text(max_size=20))
def test_without_secrets_nothing_is_taken_out(said: str) -> None:
    assert scrubbed(said, ()) == said
    assert scrubbed(said, {"", "  "}) == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("port 1 failed", "port 1 failed"),
        ("login u:p@host", "login u:***@host"),
        ("password=p;", "password=***;"),
        ('the password "p" is wrong', 'the password "***" is wrong'),
    ],
)
def test_a_short_secret_is_one_as_a_whole_word_alone(text: str, shown: str) -> None:
    assert scrubbed(text, ["p"]) == shown
    assert one_line(text, ["p"]) == shown


def test_a_long_secret_is_one_wherever_it_stands() -> None:
    assert scrubbed("xs3cr3tx p", ["s3cr3t", "p"]) == "x***x ***"
