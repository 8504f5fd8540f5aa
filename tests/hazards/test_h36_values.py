"""Values that systems have bent: NULL and nothing, blanks, zeros, scripts, ends of the calendar."""

from __future__ import annotations

from pathlib import Path

import pytest

from by_hand import run_sql
from worlds import counts, synchronize, write_project

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

ENTITIES = """
  values:
    source: {system: erp, table: vals, key: id, modified: modified}
    target: {system: crm, object: vals, key: id, create: true}
    fields: {id: id, text: words, amount: amount, day: day}
"""
ROWS = {
    1: ("NULL", "NULL", "NULL"),
    2: ("''", "0", "'0001-01-01'"),
    3: ("' '", "1.10", "'9999-12-31'"),
    4: ("'trailing  '", "-0.01", "'1799-12-31'"),
    5: ("'عربية עברית 日本語'", "99999999.99", "'2024-02-29'"),
    6: ("'🧭 emoji'", "1.1", "'1970-01-01'"),
    7: ("'line\nbreak\ttab'", "1.00", "'2000-01-01'"),
    8: ("'=1+1'", "10", "'1900-02-28'"),
    9: ("'<b>&amp;</b>'", "100", "'2038-01-20'"),
}
TYPES = {
    "sqlite": ("TEXT", "timestamp"),
    "postgresql": ("text", "timestamp"),
    "mariadb": ("longtext", "datetime"),
}
TABLE = """
CREATE TABLE vals (id integer PRIMARY KEY, words {text}, amount decimal(10,2), day date, modified {stamp})
"""
PAIRS = [
    ("sqlite", "sqlite"),
    ("postgresql", "postgresql"),
    ("mariadb", "mariadb"),
    ("postgresql", "mariadb"),
]


@pytest.mark.parametrize(("source_kind", "target_kind"), PAIRS)
def test_h36_values_arrive_as_they_are_and_a_second_run_sends_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, source_kind: str, target_kind: str
) -> None:
    source = str(request.getfixturevalue(f"{source_kind}_url"))
    other = f"sqlite:///{tmp_path / 'crm.db'}" if target_kind == "sqlite" else None
    target = other or str(request.getfixturevalue(f"other_{target_kind}_url"))
    file = tmp_path / "marea.yaml"
    write_project(tmp_path, ENTITIES, source, target)
    text, stamp = TYPES[source_kind]
    run_sql(source, TABLE.format(text=text, stamp=stamp))
    for number, values in ROWS.items():
        run_sql(source, f"INSERT INTO vals VALUES ({number}, {', '.join(values)}, '2020-01-01 00:00:00')")
    assert counts(synchronize(file), "values") == {"created": len(ROWS)}
    assert counts(synchronize(file, full=True), "values") == {"unchanged": len(ROWS)}
    numbers = "SELECT id FROM {} WHERE {} ORDER BY id"
    for column, theirs, condition in (
        ("words", "text", "{} IS NULL"), ("words", "text", "octet_length({}) = 0"),
        ("amount", "amount", "{} = 1.1"),
        ("day", "day", "{} < '1900-01-01'"), ("day", "day", "{} IS NULL"),
    ):  # fmt: skip
        quoted = f"`{theirs}`" if target_kind == "mariadb" else f'"{theirs}"'
        had = run_sql(source, numbers.format("vals", condition.format(column)))
        assert run_sql(target, numbers.format("vals", condition.format(quoted))) == had, condition
    shown = "`text`" if target_kind == "mariadb" else '"text"'
    ours = run_sql(source, "SELECT words FROM vals ORDER BY id")
    assert run_sql(target, f"SELECT {shown} FROM vals ORDER BY id") == ours


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize(
    ("before", "after"), [("''", "NULL"), ("'a'", "'a '"), ("'a'", "'A'"), ("'e'", "'é'")]
)
def test_h36_what_many_take_for_equal_is_a_change(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, before: str, after: str
) -> None:
    source, target = str(request.getfixturevalue(f"{kind}_url")), f"sqlite:///{tmp_path / 'crm.db'}"
    file = tmp_path / "marea.yaml"
    write_project(tmp_path, ENTITIES, source, target)
    text, stamp = TYPES[kind]
    run_sql(source, TABLE.format(text=text, stamp=stamp))
    run_sql(source, f"INSERT INTO vals VALUES (1, {before}, 1, NULL, '2020-01-01 00:00:00')")
    synchronize(file)
    run_sql(source, f"UPDATE vals SET words = {after}, modified = '2021-01-01 00:00:00'")
    assert counts(synchronize(file), "values") == {"updated": 1}
    assert run_sql(target, 'SELECT "text" FROM vals') == run_sql(source, "SELECT words FROM vals")
