"""Owns the contract suite of SQL targets: what every connector that writes must prove on a real database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pytest

from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import OPERATION, TRIED, Shape, Source, Target
from marea.testing.arriving import Arriving
from marea.testing.deciding import Held
from marea.testing.delivering import CODES, Row, shape
from marea.testing.suite import Execute


class SqlTargetContract(Arriving):
    """`TargetContract` for tables of a database, which can promise more.

    `source` reads the database of `target` (its own contract proves it right), `execute` runs SQL
    there by other means; `cut` breaks all connections of `target` from outside, and `sessions` gives
    those that the database has, but for its own, by names that never come again.
    """

    @pytest.fixture
    def held(self, source: Source) -> Held:
        """The rows of a table."""
        return lambda name: self.read(source, name)

    @pytest.fixture
    def leave(self, cut: Callable[[], None]) -> Callable[[], object]:
        """Breaks the connection that `prepare` opened."""
        return cut

    @pytest.fixture
    def gone(self, execute: Execute) -> Callable[[], object]:
        """Drops the table."""
        return lambda: execute("DROP TABLE t")

    @pytest.fixture
    def refused(self) -> Row:
        """It lacks its name, which the table of `codes` demands."""
        return {"code": "no"}

    @pytest.fixture
    def codes(self, source: Source, execute: Execute) -> Shape:
        """A table with a text key, a text and an amount, and a column that is not ours."""
        columns = [
            f"{source.dialect.quote(name)} {source.dialect.native(type_, key=name == 'code')}"
            for name, type_ in CODES.items()
        ]
        columns[0] += " NOT NULL PRIMARY KEY"
        columns[1] += " NOT NULL"
        execute(f"CREATE TABLE t ({', '.join(columns)}, theirs INTEGER DEFAULT 7)")
        return shape()

    def made(
        self, fields: Mapping[str, pa.DataType] = CODES, key: Sequence[str] = ("code",), name: str = "t"
    ) -> Shape:
        """A shape whose table is made for it."""
        return shape(fields, key, name, create=True)

    # -- tables as they are ------------------------------------------------------------

    def test_a_row_written_by_hand_is_adopted(
        self, target: Target, held: Held, execute: Execute, codes: Shape
    ) -> None:
        execute("INSERT INTO t (code, name, amount) VALUES ('a', 'by hand', 1)")
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b")])
        assert self.names(held) == {"a": "name a", "b": "name b"}

    def test_only_the_fields_of_the_shape_are_written(
        self, target: Target, source: Source, execute: Execute, codes: Shape
    ) -> None:
        execute("INSERT INTO t (code, name, amount, theirs) VALUES ('a', 'old', 5, 42)")
        narrow = shape({"code": pa.string(), "name": pa.string()})
        target.prepare(narrow)
        self.deliver(target, narrow, [self.row("a"), self.row("b")], Operation.UPDATE)
        rows = {row["code"]: (row["name"], row["amount"], row["theirs"]) for row in self.read(source, "t")}
        assert rows == {"a": ("name a", 5, 42), "b": ("name b", None, 7)}

    def test_a_row_whose_key_changed_keeps_its_other_columns(
        self, target: Target, source: Source, execute: Execute, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        execute("UPDATE t SET theirs = 42")
        for _ in range(2):
            assert self.deliver(target, codes, [self.moved("a", "z")], Operation.UPDATE, ["a"]) == ["z"]
            assert [(row["code"], row["theirs"]) for row in self.read(source, "t")] == [("z", 42)]

    def test_a_key_that_changed_to_one_that_is_there_adopts_that(
        self, target: Target, held: Held, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row(code) for code in "abcy"])
        moved = [self.row("y", "from b"), self.row("z", "from a")]
        for _ in range(2):
            assert self.deliver(target, codes, moved, Operation.UPDATE, ["b", "a"]) == ["y", "z"]
            assert self.names(held) == {"c": "name c", "y": "from b", "z": "from a"}

    def test_a_row_that_a_changed_key_adopts_keeps_its_other_columns(
        self, target: Target, source: Source, execute: Execute, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("z")])
        execute("UPDATE t SET theirs = 42 WHERE code = 'z'")
        self.deliver(target, codes, [self.row("z", "from a")], Operation.UPDATE, ["a"])
        rows = [(row["code"], row["name"], row["theirs"]) for row in self.read(source, "t")]
        assert rows == [("z", "from a", 42)]

    def test_a_row_under_a_key_in_doubt_is_not_ours_where_ours_is_found(
        self, target: Target, held: Held, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("theirs")])
        self.deliver(target, codes, [{**self.moved("a", "b"), TRIED: ["theirs"]}], Operation.UPDATE, ["a"])
        assert self.names(held) == {"b": "name b", "theirs": "name theirs"}

    def test_a_key_that_a_batch_frees_may_be_taken_in_it(
        self, target: Target, held: Held, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b")])
        mixed = [
            {OPERATION: Operation.DELETE, "code": "a"},
            {OPERATION: Operation.CREATE, **self.row("a", "again")},
        ]
        assert self.deliver(target, codes, mixed, ids=["a", None]) == ["a", "a"]
        assert self.names(held) == {"a": "again", "b": "name b"}

    def test_a_table_without_a_unique_key(self, target: Target, source: Source, execute: Execute) -> None:
        text = source.dialect.native(pa.string(), key=True)
        execute(f"CREATE TABLE t (code {text}, name {text}, amount DECIMAL(12, 2))")
        loose = shape()
        target.prepare(loose)
        for _ in range(2):
            self.deliver(target, loose, [self.row("a"), self.row("b")])
        self.deliver(target, loose, [self.row("b", "new"), self.row("c")], Operation.UPDATE)
        rows = [(row["code"], row["name"]) for row in self.read(source, "t", order="code")]
        assert rows == [("a", "name a"), ("b", "new"), ("c", "name c")]
        with pytest.raises(BatchRefused):
            self.deliver(target, loose, [self.row("d"), self.row("d")])

    def test_a_refused_batch_leaves_nothing(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        for operation in (Operation.CREATE, Operation.UPDATE):
            rows = [self.row("a"), {"code": "b", "name": None}, self.row("c")]
            with pytest.raises(BatchRefused) as caught:
                self.deliver(target, codes, rows, operation)
            assert caught.value.code
            assert "name" in caught.value.message
            assert self.names(held) == {}
        self.deliver(target, codes, [self.row("a"), self.row("c")])
        assert self.names(held) == {"a": "name a", "c": "name c"}

    def test_a_value_of_the_wrong_type_is_refused(self, target: Target, source: Source) -> None:
        target.prepare(shape({"code": pa.string(), "amount": pa.int64()}, create=True))
        text = shape({"code": pa.string(), "amount": pa.string()})
        target.prepare(text)
        self.deliver(target, text, [{"code": "a", "amount": "42"}])
        with pytest.raises(BatchRefused):
            self.deliver(
                target, text, [{"code": "b", "amount": "1"}, {"code": "c", "amount": "not a number"}]
            )
        assert [(row["code"], row["amount"]) for row in self.read(source, "t")] == [("a", 42)]

    def test_faults_are_named_all_at_once(self, target: Target, execute: Execute, codes: Shape) -> None:
        with pytest.raises(ConfigurationError) as caught:
            target.prepare(shape({"code": pa.string(), "nmae": pa.string(), "other": pa.string()}))
        faults = {fault.field: str(fault) for fault in caught.value.faults}
        assert set(faults) == {"fields.nmae", "fields.other"}
        assert '"name"' in faults["fields.nmae"]

    def test_a_missing_table_names_the_nearest(self, target: Target, codes: Shape) -> None:
        with pytest.raises(ConfigurationError, match="customers"):
            target.prepare(shape(table="customers"))
        with pytest.raises(ConfigurationError, match='"t"'):
            target.prepare(shape(table="tt"))

    def test_prepare_is_repeatable_and_respects_a_table(
        self, target: Target, another: Target, source: Source, held: Held
    ) -> None:
        made = shape(create=True)
        target.prepare(made)
        self.deliver(target, made, [self.row("a")])
        target.prepare(made)
        self.deliver(target, made, [self.row("a", "again")], Operation.UPDATE)
        target.prepare(made)
        self.deliver(target, made, [self.row("a")], Operation.UPDATE)
        another.prepare(made)
        assert self.table(source, "t").key == ("code",)
        self.deliver(another, made, [self.row("b")])
        self.deliver(target, made, [self.row("b", "later")])
        assert self.names(held) == {"a": "name a", "b": "later"}

    # -- outages -------------------------------------------------------------------------

    def test_a_connection_that_breaks_says_so_and_comes_back(
        self, target: Target, held: Held, codes: Shape, cut: Callable[[], None]
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        cut()
        with pytest.raises(SystemUnreachable):
            self.deliver(target, codes, [self.row("b")])
        assert self.names(held) == {"a": "name a"}
        self.deliver(target, codes, [self.row("b")], Operation.UPDATE)
        assert self.names(held) == {"a": "name a", "b": "name b"}
