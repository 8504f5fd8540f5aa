"""Owns what the contract suite of sources asks of moments: who writes, and what no stamp is before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar

import pyarrow as pa

from marea.capture.horizon import Before, horizon, marked
from marea.ports import Column, Source, Writers
from marea.sql.dialect import Query
from marea.testing.suite import Execute, Suite

Transaction = Callable[[str], AbstractContextManager[object]]
"""Runs a statement in a transaction that commits when the block ends."""


class Writing(Suite):
    """What every source must tell of its writers."""

    now: ClassVar[Mapping[str, str]] = {
        "timestamp": "CURRENT_TIMESTAMP",
        "timestamptz": "CURRENT_TIMESTAMP",
        "date": "CURRENT_DATE",
    }
    """How an application of this database stamps a row, for each kind of stamp that is a time."""

    far_ahead: ClassVar[str] = "2037-12-31"
    """A day to come, as a text that goes into any of these columns."""

    def test_no_later_stamp_is_before_the_moment_of_a_snapshot(
        self, source: Source, execute: Execute
    ) -> None:
        for kind, now in self.now.items():
            self.stamped_table(source, execute, kind)
            asked = source.writers().asked
            execute(f"INSERT INTO t_{kind} VALUES (1, {now})")
            assert self.since(source, kind, asked) == [1], kind
            execute(f"DELETE FROM t_{kind}")
            execute(f"INSERT INTO t_{kind} SELECT 2, {now}")
            assert self.since(source, kind, asked - 3 * 86_400) == [2], kind
            assert self.moment(source, kind, asked - 3 * 86_400) < self.moment(source, kind, asked), kind

    def test_the_own_time_of_the_database_is_a_stamp_like_those_of_others(
        self, source: Source, execute: Execute
    ) -> None:
        """`marea touch` writes it; an UPDATE that sets NULL would hide the row from the watermark."""
        for kind in self.now:
            self.stamped_table(source, execute, kind)
            execute(f"INSERT INTO t_{kind} VALUES (1, NULL)")
            asked = source.writers().asked
            own = source.dialect.now(source.type_of(f"t_{kind}", "stamp").native)
            assert own is not None, kind
            execute(f"UPDATE t_{kind} SET stamp = {own}")
            assert self.since(source, kind, asked) == [1], kind

    def test_what_is_stamped_now_is_not_ahead_and_a_wrong_clock_is(
        self, source: Source, execute: Execute
    ) -> None:
        for kind, now in self.now.items():
            self.stamped_table(source, execute, kind)
            execute(f"INSERT INTO t_{kind} VALUES (1, {now})")
            execute(f"INSERT INTO t_{kind} VALUES (2, '{self.far_ahead}')")
            ahead = source.dialect.ahead(source.type_of(f"t_{kind}", "stamp").native)
            query, columns = self.select(source, f"t_{kind}", where=f"stamp > {ahead}")
            with source.snapshot() as reader:
                assert [row["id"] for row in self.fetch(reader, query, columns)] == [2], kind

    def test_a_number_knows_no_moments(self, source: Source, execute: Execute) -> None:
        self.make(source, execute, {"id": self.kinds["int64"]})
        native = source.type_of("t", "id").native
        assert source.dialect.moment(native, "0") is None
        assert source.dialect.ahead(native) is None
        assert source.dialect.now(native) is None

    def test_no_stamp_of_who_writes_is_before_the_horizon(
        self, source: Source, execute: Execute, transaction: Transaction
    ) -> None:
        for kind, now in self.now.items():
            self.stamped_table(source, execute, kind)
            before = source.writers()
            with transaction(f"INSERT INTO t_{kind} VALUES (1, {now})"):
                during = source.writers()
                assert self.since(source, kind, 0) == [], kind
            limit = horizon(during, marked(Before(before), ()))
            assert limit is not None, kind
            assert limit <= during.asked, kind
            assert self.since(source, kind, limit) == [1], kind

    def test_who_writes_is_told_until_it_commits(
        self, source: Source, execute: Execute, transaction: Transaction
    ) -> None:
        self.make(source, execute, {"id": self.kinds["int64"]})
        before = source.writers()
        assert before.hidden == ""
        with transaction("INSERT INTO t VALUES (1)"):
            during = self.asked_after(source, before)
            again = self.asked_after(source, during)
            told = during.open.keys() & again.open.keys() - before.open.keys()
            assert told
        assert not told & self.asked_after(source, again).open.keys()

    def asked_after(self, source: Source, before: Writers) -> Writers:
        """The writers as the system tells them anew: it may give the same answer for a moment."""
        while (found := source.writers()).asked <= before.asked:
            pass
        return found

    def stamped_table(self, source: Source, execute: Execute, kind: str) -> None:
        """A table named after the kind of its stamp."""
        self.make(source, execute, {"id": self.kinds["int64"], "stamp": self.kinds[kind]}, f"t_{kind}")

    def moment(self, source: Source, kind: str, seconds: float) -> str:
        """A moment as the text of a stamp."""
        dialect = source.dialect
        native = source.type_of(f"t_{kind}", "stamp").native
        expression = dialect.moment(native, str(math.floor(seconds)))
        assert expression is not None
        query = Query(f"SELECT {dialect.stamp_out(expression, native)} AS s")
        with source.snapshot() as reader:
            rows = self.fetch(reader, query, [Column("s", pa.string(), dialect.text_type)])
        text: str = rows[0]["s"]
        return text

    def since(self, source: Source, kind: str, seconds: float) -> list[int]:
        """The rows whose stamp is not before a moment."""
        dialect = source.dialect
        bound = dialect.stamp_in(dialect.placeholder(1), source.type_of(f"t_{kind}", "stamp").native)
        query, columns = self.select(source, f"t_{kind}", where=f"stamp >= {bound}")
        stamp = self.moment(source, kind, seconds)
        with source.snapshot() as reader:
            return [row["id"] for row in self.fetch(reader, Query(query.text, (stamp,)), columns)]
