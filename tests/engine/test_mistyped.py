"""A mistyped column in the source's own SQL is told with the nearest that is there, whatever the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from by_hand import run_sql
from marea.errors import ConfigurationError
from worlds import copied, synchronize, write_project

pytestmark = pytest.mark.integration


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of a table of parts, each with a last-edit date."""
    here = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/erp.db" if here else str(request.getfixturevalue(f"{request.param}_url"))
    run_sql(url, "CREATE TABLE parts (code varchar(9) PRIMARY KEY, weight integer, upd timestamp NULL)")
    return url


def test_modified_and_where(source: str, tmp_path: Path) -> None:
    entity = copied("parts", "code").replace("modified: modified", "modified: updd, where: wieght > 0")
    with pytest.raises(ConfigurationError) as caught:
        synchronize(write_project(tmp_path, entity, source=source))
    assert {(fault.field, fault.hint) for fault in caught.value.faults} == {
        ("source.modified", 'did you mean "upd"?'),
        ("source.where", 'did you mean "weight"?'),
    }
    assert all("updd" in fault.message or "wieght" in fault.message for fault in caught.value.faults)


def test_a_condition_that_a_command_is_given(source: str, tmp_path: Path) -> None:
    entity = copied("parts", "code").replace("modified: modified", "modified: upd")
    with pytest.raises(ConfigurationError) as caught:
        synchronize(write_project(tmp_path, entity, source=source), where="wieght > 0")
    assert caught.value.faults[0].hint == 'did you mean "weight"?'


HABITS = [
    ("Italia", "table parts has no column Italia", "a text to deliver as it is: \"'Italia'\"; known here: "),
    ("weigth", "table parts has no column weigth", 'did you mean "weight"?'),
    (
        "isnull(code, 'x')",
        "there is no function isnull()",
        "write coalesce(a, b); expressions are DuckDB's SQL",
    ),
    ("code + 'x'", "No function matches", "write a || b to join texts; expressions are DuckDB's SQL"),
    ("decode(code, 'a', 'b')", "No function matches", "write CASE a WHEN"),
    ("lenght(code)", "lenght does not exist", "expressions are DuckDB's SQL"),
    ("getdate()", "getdate() changes without a change in the source", ""),
]


@pytest.mark.parametrize(("expression", "said", "hint"), HABITS)
def test_what_habit_writes_into_a_field(tmp_path: Path, expression: str, said: str, hint: str) -> None:
    url = f"sqlite:///{tmp_path}/erp.db"
    run_sql(url, "CREATE TABLE parts (code varchar(9) PRIMARY KEY, weight integer, modified timestamp NULL)")
    entity = copied("parts", "code").replace("{code: code}", f'{{code: code, note: "{expression}"}}')
    with pytest.raises(ConfigurationError) as caught:
        synchronize(write_project(tmp_path, entity))
    (fault,) = caught.value.faults
    assert said in fault.message
    assert fault.hint.startswith(hint)
    assert bool(fault.hint) == bool(hint)
    assert (fault.field, fault.line) == ("fields.note", 10)
