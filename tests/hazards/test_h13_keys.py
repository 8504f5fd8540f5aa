"""Keys of several columns, with separators, quotes, blanks and NULL in them; collations of all kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from by_hand import run_sql
from hazards.conftest import MakeWorld
from marea.model import Outcome
from worlds import copied, counts, journal, synchronize, write_project

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

KEYS = [
    ("1", "11"), ("11", "1"), ("a,b", "c"), ("a", "b,c"), ('["a"', "b]"), ("it's", 'a "quote"'),
    ("back\\slash", "%s ? $1"), (" lead", "in"),
    ("'; DROP TABLE t; --", "=1+1"), ("日本", "🧭"), ("", "empty"),
]  # fmt: skip


def configured(source: str, folder: Path, key: str) -> tuple[Path, str]:
    target = f"sqlite:///{folder / 'crm.db'}"
    return write_project(folder, copied("things", "a", "b", "name", key=key), source, target), target


def literal(kind: str, text: str) -> str:
    text = text.replace("'", "''")
    return "'" + (text.replace("\\", "\\\\") if kind == "mariadb" else text) + "'"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_h13_every_key_is_itself_and_no_other(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    source = str(request.getfixturevalue(f"{kind}_url"))
    file, target = configured(source, tmp_path, "[a, b]")
    stamp = "datetime" if kind == "mariadb" else "timestamp"
    columns = f"a varchar(40), b varchar(40), name varchar(20), modified {stamp}, PRIMARY KEY (a, b)"
    run_sql(source, f"CREATE TABLE things ({columns})")
    for a, b in KEYS:
        values = ", ".join(literal(kind, text) for text in (a, b))
        run_sql(source, f"INSERT INTO things VALUES ({values}, 'old', '2020-01-01 00:00:00')")
    first = synchronize(file, page=3)
    delivered = [key for key in KEYS if "" not in key]
    assert counts(first, "things").get("created", 0) + counts(first, "things").get("rejected", 0) == len(KEYS)
    rows = run_sql(target, "SELECT a, b FROM things")
    assert set(delivered) <= {(str(a), str(b)) for a, b in rows}
    assert len(rows) == len(set(rows))
    one = json.dumps(["11", "1"], separators=(",", ":"))
    run_sql(source, "UPDATE things SET name = 'one' WHERE a = '11'")
    synchronize(file, "things", keys=(one,))
    assert run_sql(target, "SELECT a, b FROM things WHERE name = 'one'") == [("11", "1")]
    assert {tuple(entry.key) for entry in journal(file)} >= set(delivered)


COLLATED = [
    ("mariadb", "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"),
    ("mariadb", "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    ("postgresql", 'varchar(20) COLLATE "C"'),
    ("postgresql", "varchar(20)"),
    ("sqlite", "TEXT COLLATE NOCASE"),
    ("sqlite", "TEXT"),
]
ALIKE = ("Ä", "ss", "Ö")
"""What a collation without accents takes for `a`, `ß` or `o`, and a key can hold once."""
LETTERS = ["a", "B", "c", "Ä", "z", "Zz", "é", "_", "10", "9", "ß", "ss", "Ö", "-x", "x y", "日本"]


@pytest.mark.parametrize(("kind", "type_"), COLLATED, ids=str)
def test_h14_pages_by_key_go_through_every_row_once_whatever_the_collation(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, type_: str
) -> None:
    source = str(request.getfixturevalue(f"{kind}_url"))
    file, target = configured(source, tmp_path, "a")
    stamp = "datetime" if kind == "mariadb" else "timestamp"
    run_sql(
        source, f"CREATE TABLE things (a {type_} PRIMARY KEY, b integer, name varchar(20), modified {stamp})"
    )
    letters = [text for text in LETTERS if text not in (ALIKE if "general_ci" in type_ else ())]
    for number, text in enumerate(letters):
        run_sql(source, f"INSERT INTO things VALUES ('{text}', {number}, 'old', '2020-01-01 00:00:00')")
    assert counts(synchronize(file, page=2), "things") == {"created": len(letters)}
    run_sql(source, "UPDATE things SET name = 'new', modified = '2021-01-01 00:00:00'")
    assert counts(synchronize(file, page=2), "things") == {"updated": len(letters)}
    rows = run_sql(target, "SELECT a FROM things WHERE name = 'new'")
    assert sorted(str(row[0]) for row in rows) == sorted(letters)
    assert not [entry for entry in journal(file) if entry.outcome is Outcome.REJECTED]


NAMED = """
  goods:
    source: {system: erp, table: goods, key: [n, k0], where: "n = 1 and k0 <> 'x'"}
    target: {system: crm, object: goods, key: [n, k0], create: true}
    fields: {n: n, k0: k0}
"""


def test_a_filter_may_name_a_column_as_a_list_of_keys_could_be(make_world: MakeWorld) -> None:
    world = make_world(NAMED)
    world.erp("CREATE TABLE goods (n integer, k0 varchar(5), PRIMARY KEY (n, k0))")
    world.erp("INSERT INTO goods VALUES (1, 'a'), (1, 'b')")
    assert counts(world.sync(), "goods") == {"created": 2}
    assert counts(world.sync(keys=('[1,"a"]',)), "goods") == {"unchanged": 1}
