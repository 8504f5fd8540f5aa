from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.config.mistake import Mistake
from marea.config.secrets import Secrets

pytestmark = pytest.mark.unit


def secrets(folder: Path = Path(), **environment: str) -> Secrets:
    return Secrets(environment, folder)


def test_a_variable_is_filled_in_wherever_it_stands() -> None:
    assert secrets(A="1", B="2").fill("${A}-${B}-${A}") == "1-2-1"


def test_texts_inside_mappings_and_lists_are_filled_and_the_rest_is_left() -> None:
    value = {"json": {"user": "${A}", "tries": 3}, "paths": ["/x", "${A}"], "none": None}
    assert secrets(A="1").fill_all(value) == {
        "json": {"user": "1", "tries": 3},
        "paths": ["/x", "1"],
        "none": None,
    }


def test_a_filled_value_is_not_filled_again() -> None:
    assert secrets(A="${B}", B="2").fill("${A}") == "${B}"


def test_a_file_gives_its_text_without_the_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("to ken\n")
    assert secrets(tmp_path).fill("${file:token}") == "to ken"
    assert secrets().fill(f"${{file:{tmp_path}/token}}") == "to ken"


def test_two_dollars_are_the_characters_themselves() -> None:
    assert secrets().fill("$${A} $5 {x}") == "${A} $5 {x}"


@pytest.mark.parametrize("text", ["${", "${}", "${A B}", "x${A", "${1A}"])
def test_an_unusable_placeholder_is_a_mistake_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(Mistake, match="begins no placeholder") as raised:
        secrets(A="1").fill("hunter2" + text)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(Mistake, match="the file key cannot be read: it is not text in UTF-8"):
        secrets(tmp_path).fill("${file:key}")


@given(user=st.text("aé:/@?#%$ ", min_size=1), password=st.text("aé:/@?#%$ "))
def test_a_login_in_a_url_comes_out_as_it_is_in_the_environment(user: str, password: str) -> None:
    parts = urlsplit(secrets(U=user, P=password).fill_url("postgresql://${U}:${P}@host:5432/erp"))
    assert (parts.hostname, parts.port, parts.path) == ("host", 5432, "/erp")
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, password)


def test_outside_the_login_a_url_is_filled_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("a/b@c")
    given = secrets(tmp_path, HOST="h:1", PATH_="x/y", ALL="mysql://u:p@h/d")
    assert (
        given.fill_url("https://me:${file:p}@${HOST}/${PATH_}?to=${HOST}")
        == "https://me:a%2Fb%40c@h:1/x/y?to=h:1"
    )
    assert given.fill_url("https://${HOST}/@${PATH_}") == "https://h:1/@x/y"
    assert given.fill_url("${ALL}") == "mysql://u:p@h/d"
