"""Values become literals where a placeholder stands, and nowhere else."""

from __future__ import annotations

import pytest

from marea.connectors.postgresql.binding import inline
from marea.sql.dialect import Query

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = $1", "a = 'v'"),
        ("a = $1 OR b = $2", "a = 'v' OR b = (-2)"),
        ("c IS $3", "c IS NULL"),
        ("'$1' = $1", "'$1' = 'v'"),
        ("'it''s $1' = $1", "'it''s $1' = 'v'"),
        (r"E'\'$1' = $1", r"E'\'$1' = 'v'"),
        (r"'\' = $1", r"'\' = 'v'"),
        ('"$1" = $1', "\"$1\" = 'v'"),
        ("$$ $1 $$ = $1", "$$ $1 $$ = 'v'"),
        ("$x$ $1 $$ $x$ = $1", "$x$ $1 $$ $x$ = 'v'"),
        ("1 -- $1\n = $1", "1 -- $1\n = 'v'"),
        ("1 /* $1 */ = $1", "1 /* $1 */ = 'v'"),
        ("a$1 = $1", "a$1 = 'v'"),
    ],
)
def test_placeholders_outside_of_quotes_and_comments(text: str, expected: str) -> None:
    assert inline(Query(text, ("v", -2, None))) == expected


def test_a_value_is_never_read_as_sql() -> None:
    assert inline(Query("SELECT $1, $2", ("'; DROP TABLE t; --$2", "\\"))) == (
        "SELECT '''; DROP TABLE t; --$2', '\\'"
    )


def test_a_query_without_values_is_left_alone() -> None:
    assert inline(Query("SELECT $1")) == "SELECT $1"
