from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.mutations import as_yaml, damaged_text, damaged_values
from marea.config.cache import load_cached
from marea.config.load import load
from marea.config.settings import Settings
from marea.config.tree import read
from marea.errors import ConfigurationError

pytestmark = pytest.mark.property

TEXT = (Path(__file__).parent / "documented.yaml").read_text()
VALUES: dict[str, Any] = read("documented.yaml", TEXT.encode()).values
TOKEN = "s3cr3t-t0ken"
LITERAL = "l1teral-passw0rd"
Load = Callable[[Path, dict[str, str]], Settings]
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(file: Path, content: bytes, loaded: Load = load) -> Settings | ConfigurationError:
    file.write_bytes(content)
    try:
        return loaded(file, {"CRM_TOKEN": TOKEN, "XDG_CACHE_HOME": str(file.parent)})
    except ConfigurationError as error:
        return error


def assert_readable(error: ConfigurationError, content: str) -> None:
    lines = len(content.splitlines()) + 1
    assert error.faults
    for fault in error.faults:
        assert fault.file
        assert 1 <= fault.line <= lines, fault
        assert fault.message
        assert not re.search(r"pydantic|NoneType|\binput\b|\bdict\b|\bstr\b", fault.message + fault.hint), (
            fault
        )
    assert TOKEN not in str(error)
    assert LITERAL not in str(error)


@unhurried
@given(text=damaged_text(TEXT.replace("reader@", f"reader:{LITERAL}@")))
def test_damaged_text_loads_or_tells_where_it_is_wrong(tmp_path: Path, text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    result = outcome(tmp_path / "marea.yaml", content)
    if isinstance(result, ConfigurationError):
        assert_readable(result, text)


@unhurried
@given(values=damaged_values(VALUES))
def test_damaged_values_load_or_tell_where_they_are_wrong(tmp_path: Path, values: Any) -> None:
    text = as_yaml(values)
    result = outcome(tmp_path / "marea.yaml", text.encode())
    if isinstance(result, ConfigurationError):
        assert_readable(result, text)


@unhurried
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_line(tmp_path: Path, content: bytes) -> None:
    result = outcome(tmp_path / "marea.yaml", content)
    assert isinstance(result, ConfigurationError)
    assert_readable(result, content.decode(errors="replace"))


@settings(unhurried, max_examples=50)
@given(values=damaged_values(VALUES) | st.just(VALUES))
def test_what_is_remembered_gives_what_a_load_gives(tmp_path: Path, values: Any) -> None:
    content = as_yaml(values).encode()
    results = [outcome(tmp_path / "marea.yaml", content, each) for each in (load, load_cached, load_cached)]
    told = [each.faults if isinstance(each, ConfigurationError) else each for each in results]
    assert told[0] == told[1] == told[2]
