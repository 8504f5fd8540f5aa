"""Owns the contract suite of SQL targets: what every connector that writes must prove on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pytest

from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import OPERATION, Shape, Source, Target
from marea.testing.arriving import Arriving
from marea.testing.delivering import batch, shape
from marea.testing.suite import Execute


class TargetContract(Arriving):
    """Subclass it, give the fixtures, and every test of it is a promise of the connector.

    `target` is the connector's target on an empty database of the test's own, `another` a second
    one on the same database; `source` reads that database (its own contract proves it right);
    `execute` runs SQL there by other means; `unreachable` is a target whose system does not answer
    and whose password is "pa55word"; `cut` breaks all connections of `target` from outside.
    """

    # -- creates, updates, deletes -----------------------------------------------------

    def test_creates_updates_and_deletes(self, target: Target, source: Source, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b"), self.row("c")])
        assert self.names(source) == {"a": "name a", "b": "name b", "c": "name c"}
        receipt = self.deliver(
            target, codes, [self.row("a", "new"), self.row("c", "new")], Operation.UPDATE, ["a", "c"]
        )
        assert receipt == ["a", "c"]
        assert self.names(source) == {"a": "new", "b": "name b", "c": "new"}
        self.deliver(target, codes, [{"code": "b"}], Operation.DELETE, ["b"])
        assert self.names(source) == {"a": "new", "c": "new"}

    def test_one_batch_may_hold_every_operation(self, target: Target, source: Source, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b")])
        mixed = [
            {OPERATION: Operation.DELETE, "code": "a"},
            {OPERATION: Operation.UPDATE, **self.row("b", "new")},
            {OPERATION: Operation.CREATE, **self.row("a", "again")},
        ]
        assert self.deliver(target, codes, mixed, ids=["a", "b", None]) == ["a", "b", "a"]
        assert self.names(source) == {"a": "again", "b": "new"}

    def test_the_same_batch_again_changes_nothing(self, target: Target, source: Source, codes: Shape) -> None:
        target.prepare(codes)
        rows = [self.row("a"), self.row("b")]
        for _ in range(3):
            assert self.deliver(target, codes, rows) == ["a", "b"]
            assert self.names(source) == {"a": "name a", "b": "name b"}
        for _ in range(2):
            self.deliver(target, codes, [{"code": "b"}], Operation.DELETE, ["b"])
            assert self.names(source) == {"a": "name a"}

    def test_a_create_of_a_record_that_is_there_adopts_it(
        self, target: Target, source: Source, execute: Execute, codes: Shape
    ) -> None:
        execute("INSERT INTO t (code, name, amount) VALUES ('a', 'by hand', 1)")
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b")])
        assert self.names(source) == {"a": "name a", "b": "name b"}

    def test_another_writer_may_be_faster(
        self, target: Target, another: Target, source: Source, codes: Shape
    ) -> None:
        target.prepare(codes)
        another.prepare(codes)
        self.deliver(another, codes, [self.row("a", "theirs"), self.row("b", "theirs")])
        self.deliver(target, codes, [self.row("b"), self.row("c")])
        assert self.names(source) == {"a": "theirs", "b": "name b", "c": "name c"}

    def test_an_update_of_a_record_that_was_removed_makes_it_again(
        self, target: Target, source: Source, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")], Operation.UPDATE, ["a"])
        assert self.names(source) == {"a": "name a"}

    def test_only_the_fields_of_the_shape_are_written(
        self, target: Target, source: Source, execute: Execute, codes: Shape
    ) -> None:
        execute("INSERT INTO t (code, name, amount, theirs) VALUES ('a', 'old', 5, 42)")
        narrow = shape({"code": pa.string(), "name": pa.string()})
        target.prepare(narrow)
        self.deliver(target, narrow, [self.row("a"), self.row("b")], Operation.UPDATE)
        rows = {row["code"]: (row["name"], row["amount"], row["theirs"]) for row in self.read(source, "t")}
        assert rows == {"a": ("name a", 5, 42), "b": ("name b", None, 7)}

    def test_a_key_that_changed_moves_the_record(
        self, target: Target, source: Source, execute: Execute, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        execute("UPDATE t SET theirs = 42")
        for _ in range(2):
            assert self.deliver(target, codes, [self.row("z")], Operation.UPDATE, ["a"]) == ["z"]
            assert [(row["code"], row["theirs"]) for row in self.read(source, "t")] == [("z", 42)]

    def test_a_record_without_a_key_is_rejected_alone(
        self, target: Target, source: Source, codes: Shape
    ) -> None:
        target.prepare(codes)
        rows = [self.row("a"), {"code": None, "name": "lost"}, self.row("b")]
        receipt = target.deliver(codes, batch(codes, rows, Operation.CREATE))
        assert list(receipt.rejected) == [1]
        assert "code" in receipt.rejected[1].text
        assert self.names(source) == {"a": "name a", "b": "name b"}

    def test_composite_keys(self, target: Target, source: Source) -> None:
        fields = {"code": pa.string(), "line": pa.int64(), "name": pa.string()}
        lines = shape(fields, ("code", "line"), create=True)
        target.prepare(lines)
        rows = [{"code": code, "line": line, "name": "x"} for code in ("a", 'b"') for line in (1, 11)]
        ids = self.deliver(target, lines, rows)
        assert [json.loads(str(text)) for text in ids] == [["a", "1"], ["a", "11"], ['b"', "1"], ['b"', "11"]]
        self.deliver(target, lines, [{**rows[3], "line": 12}], Operation.UPDATE, [ids[3]])
        self.deliver(target, lines, [{}, {}], Operation.DELETE, ids[:2])
        assert [(row["code"], row["line"]) for row in self.read(source, "t", order="line")] == [
            ('b"', 1),
            ('b"', 12),
        ]

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

    def test_a_shape_of_nothing_but_its_key(self, target: Target, source: Source) -> None:
        only = shape({"code": pa.string()}, create=True)
        target.prepare(only)
        for _ in range(2):
            self.deliver(target, only, [{"code": "a"}, {"code": "b"}])
        assert [row["code"] for row in self.read(source, "t", order="code")] == ["a", "b"]

    def test_several_shapes_share_a_target(self, target: Target, source: Source) -> None:
        shapes = [shape(table=name, create=True) for name in ("t", "u", "v")]
        for one in shapes:
            target.prepare(one)
        for one in [*shapes, *shapes]:
            self.deliver(target, one, [self.row(one.object)], Operation.UPDATE)
        assert [self.read(source, name)[0]["code"] for name in ("t", "u", "v")] == ["t", "u", "v"]

    # -- refusals ------------------------------------------------------------------------

    def test_a_refused_batch_leaves_nothing(self, target: Target, source: Source, codes: Shape) -> None:
        target.prepare(codes)
        for operation in (Operation.CREATE, Operation.UPDATE):
            rows = [self.row("a"), {"code": "b", "name": None}, self.row("c")]
            with pytest.raises(BatchRefused) as caught:
                self.deliver(target, codes, rows, operation)
            assert caught.value.code
            assert "name" in caught.value.message
            assert self.names(source) == {}
        self.deliver(target, codes, [self.row("a"), self.row("c")])
        assert self.names(source) == {"a": "name a", "c": "name c"}

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
        assert set(faults) == {"nmae", "other"}
        assert '"name"' in faults["nmae"]

    def test_a_missing_table_names_the_nearest(self, target: Target, codes: Shape) -> None:
        with pytest.raises(ConfigurationError, match="customers"):
            target.prepare(shape(table="customers"))
        with pytest.raises(ConfigurationError, match='"t"'):
            target.prepare(shape(table="tt"))

    def test_unknown_options_are_named(self, target: Target, codes: Shape) -> None:
        with pytest.raises(ConfigurationError, match="create"):
            target.prepare(shape(craete=True))

    def test_prepare_is_repeatable_and_respects_a_table(
        self, target: Target, another: Target, source: Source
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
        assert self.names(source) == {"a": "name a", "b": "later"}

    # -- outages -------------------------------------------------------------------------

    def test_a_target_that_is_away_says_so(self, unreachable: Target) -> None:
        with pytest.raises(SystemUnreachable) as caught:
            unreachable.prepare(shape())
        assert caught.value.system
        assert caught.value.hint
        assert "pa55word" not in str(caught.value)
        unreachable.close()

    def test_a_connection_that_breaks_says_so_and_comes_back(
        self, target: Target, source: Source, codes: Shape, cut: Callable[[], None]
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        cut()
        with pytest.raises(SystemUnreachable):
            self.deliver(target, codes, [self.row("b")])
        assert self.names(source) == {"a": "name a"}
        self.deliver(target, codes, [self.row("b")], Operation.UPDATE)
        assert self.names(source) == {"a": "name a", "b": "name b"}

    def test_closing_is_repeatable(self, target: Target, codes: Shape) -> None:
        target.prepare(codes)
        target.close()
        target.close()
