"""The contract of sources finds whoever breaks one of its promises: SQLite's source, broken on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from by_hand import run_sql
from connectors.test_sqlite import TestSqliteSource as Suite
from marea.connectors.sqlite.dialect import SqliteDialect
from marea.connectors.sqlite.source import SqliteSource
from marea.ports import MISFIT, Column, Reader, Table
from marea.sql.arrays import put
from marea.sql.dialect import Query

if TYPE_CHECKING:
    from marea.config.settings import SystemSettings

pytestmark = pytest.mark.contract


class Reading(SqliteSource):
    """Reads as SQLite's source does, and hands over what `page` makes of each table."""

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        with super().snapshot() as reader:
            yield Handing(reader, self.page)

    def page(self, table: pa.Table, rows: int) -> pa.Table | None:
        return table


class Handing:
    def __init__(self, reader: Reader, page: Callable[[pa.Table, int], pa.Table | None]) -> None:
        self.reader = reader
        self.page = page

    def stream(self, query: Query, columns: Sequence[Column], rows: int) -> Iterator[pa.Table]:
        pages = (self.page(table, rows) for table in self.reader.stream(query, columns, rows))
        return (page for page in pages if page is not None)


class Cutting(Reading):
    """Loses a last page that is not full, unless it is the only one."""

    full = False

    def page(self, table: pa.Table, rows: int) -> pa.Table | None:
        if self.full and table.num_rows < rows:
            return None
        self.full = table.num_rows == rows
        return table


class Silent(Reading):
    """Takes for NULL what it cannot hold, and says nothing."""

    def page(self, table: pa.Table, rows: int) -> pa.Table | None:
        return table.drop_columns([MISFIT]) if MISFIT in table.column_names else table


class Sweeping(Reading):
    """Tells of every row of a table with one misfit."""

    def page(self, table: pa.Table, rows: int) -> pa.Table | None:
        if MISFIT not in table.column_names:
            return table
        return put(table, MISFIT, pa.repeat(table[MISFIT][1], table.num_rows))


class Texting(Reading):
    """Knows the type of a column, and takes every other expression for text."""

    def type_of(self, table: str, expression: str) -> Column:
        column = super().type_of(table, expression)
        return column if expression.isidentifier() else replace(column, type=pa.string(), native="TEXT")


class Timeless(Reading):
    """Types an expression by words of which its dialect knows no moment."""

    def type_of(self, table: str, expression: str) -> Column:
        column = super().type_of(table, expression)
        return column if expression.isidentifier() else replace(column, native="INTEGER")


class Bare(Reading):
    """Sees no default."""

    def describe(self, table: str) -> Table | None:
        found = super().describe(table)
        return found and replace(found, columns=tuple(replace(each, given=False) for each in found.columns))


class Timing(SqliteDialect):
    def now(self, native: str) -> str | None:
        return super().now(native) and "NULL"


class Unset(Reading):
    """Touches a row with NULL."""

    def __init__(self, system: SystemSettings) -> None:
        super().__init__(system)
        self.dialect = Timing()


BROKEN = {
    Cutting: (
        Suite.test_a_stream_keeps_order_and_size,
        Suite.test_several_streams_are_open_at_once,
        Suite.test_a_stream_may_be_left_half_read,
    ),
    Silent: (Suite.test_a_value_that_its_type_cannot_hold_is_null_and_told,),
    Sweeping: (Suite.test_a_value_that_its_type_cannot_hold_is_null_and_told,),
    Texting: (Suite.test_an_expression_that_chooses_among_columns_keeps_their_type,),
    Timeless: (Suite.test_an_expression_that_chooses_among_columns_keeps_their_type,),
    Bare: (Suite.test_tells_which_columns_the_database_fills,),
    Unset: (Suite.test_the_own_time_of_the_database_is_a_stamp_like_those_of_others,),
}
"""A source that breaks a promise -> the tests that find it."""

FOUND = [(broken, test) for broken, tests in BROKEN.items() for test in tests]


def perform(source: SqliteSource, url: str, test: Callable[..., None]) -> None:
    """A test of the contract, on that source."""
    given: dict[str, Any] = {
        "source": source,
        "execute": lambda text: run_sql(url, text),
        "unfit": ("INTEGER", "'many'"),
    }
    test(Suite(), **{name: given[name] for name in signature(test).parameters if name != "self"})


@pytest.mark.parametrize(("broken", "test"), FOUND, ids=lambda it: it.__name__)
def test_whoever_breaks_a_promise_is_found(
    broken: type[Reading], test: Callable[..., None], sqlite: SystemSettings
) -> None:
    with pytest.raises(AssertionError):
        perform(broken(sqlite), sqlite.url, test)


@pytest.mark.parametrize("test", dict.fromkeys(test for _, test in FOUND), ids=lambda it: it.__name__)
def test_whoever_keeps_them_is_not(test: Callable[..., None], sqlite: SystemSettings) -> None:
    perform(Reading(sqlite), sqlite.url, test)
