"""Owns the contract suite of targets of any kind: what whoever takes records must prove on the real thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pyarrow as pa
import pytest

from marea.capabilities import Knocking, Making
from marea.errors import ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import CHANGES, OPERATION, TRIED, Shape, Target
from marea.testing.deciding import Held
from marea.testing.delivering import batch, shape
from marea.testing.holding import Holding
from marea.testing.suite import NEEDS

T = TypeVar("T")
Sessions = Callable[[], set[str]]


class TargetContract(Holding):
    """Subclass it, give the fixtures, and every test of it is a promise of the connector.

    `target` is the connector's target on an empty system of the test's own, `another` a second
    one on the same system; `held` gives the records that the system holds of an object, read by
    other means, in any order; `unreachable` is a target whose system does not answer and whose
    password is "pa55word"; `cut` breaks all connections of `target` from outside, at once or before
    its next answer, and `sessions` gives those that the system has, by names that never come again.
    `codes` may be replaced by a shape that the system is made ready for. Where there is no `refused`,
    `lose_answer`, `leave` or `gone`, the tests that need it are gaps.
    """

    @pytest.fixture
    def gone(self) -> Callable[[], object] | None:
        """Takes the object t out of the system, with all it holds; None: none can be taken out."""
        return None

    # -- creates, updates, deletes -----------------------------------------------------

    def test_creates_updates_and_deletes(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b"), self.row("c")])
        assert self.names(held) == {"a": "name a", "b": "name b", "c": "name c"}
        receipt = self.deliver(
            target, codes, [self.row("a", "new"), self.row("c", "new")], Operation.UPDATE, ["a", "c"]
        )
        assert receipt == ["a", "c"]
        assert self.names(held) == {"a": "new", "b": "name b", "c": "new"}
        self.deliver(target, codes, [{"code": "b"}], Operation.DELETE, ["b"])
        assert self.names(held) == {"a": "new", "c": "new"}

    def test_one_batch_may_hold_every_operation(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a"), self.row("b"), self.row("c")])
        mixed = [
            {OPERATION: Operation.DELETE, "code": "a"},
            {OPERATION: Operation.UPDATE, **self.row("b", "new")},
            {OPERATION: Operation.CREATE, **self.row("d")},
        ]
        assert self.deliver(target, codes, mixed, ids=["a", "b", None]) == ["a", "b", "d"]
        assert self.names(held) == {"b": "new", "c": "name c", "d": "name d"}

    def test_the_same_batch_again_changes_nothing(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        rows = [self.row("a"), self.row("b")]
        for _ in range(3):
            assert self.deliver(target, codes, rows) == ["a", "b"]
            assert self.names(held) == {"a": "name a", "b": "name b"}
        for _ in range(2):
            self.deliver(target, codes, [{"code": "b"}], Operation.DELETE, ["b"])
            assert self.names(held) == {"a": "name a"}

    def test_a_create_that_comes_again_makes_no_second_record(
        self, target: Target, another: Target, held: Held, codes: Shape
    ) -> None:
        """One that does not say `repeats` declares this a gap: its creates in doubt wait for a person."""
        assert target.repeats(codes)  # before it is prepared
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        another.prepare(codes)
        self.deliver(another, codes, [self.row("a", "by then")])
        assert [row["name"] for row in held("t")] == ["by then"]

    def test_a_create_of_a_record_that_is_there_adopts_it(
        self, target: Target, another: Target, held: Held, codes: Shape
    ) -> None:
        target.prepare(codes)
        another.prepare(codes)
        self.deliver(another, codes, [self.row("a", "theirs"), self.row("b", "theirs")])
        self.deliver(target, codes, [self.row("b"), self.row("c")])
        assert self.names(held) == {"a": "theirs", "b": "name b", "c": "name c"}

    def test_an_update_of_a_record_that_was_removed_makes_it_again(
        self, target: Target, held: Held, codes: Shape
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")], Operation.UPDATE, ["a"])
        assert self.names(held) == {"a": "name a"}

    def test_a_key_that_changed_moves_the_record(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        for _ in range(2):
            assert self.deliver(target, codes, [self.moved("a", "z")], Operation.UPDATE, ["a"]) == ["z"]
            assert [row["code"] for row in held("t")] == ["z"]

    def test_no_record_stays_under_a_key_in_doubt(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row(code) for code in "xy"])
        rows = [
            {**self.moved("z", "a"), OPERATION: Operation.UPDATE, TRIED: ["x", "never"]},
            {**self.row("b"), OPERATION: Operation.CREATE, TRIED: ["y", "b"]},
        ]
        for _ in range(2):
            self.deliver(target, codes, rows, ids=["z", None])
            assert sorted(self.names(held)) == ["a", "b"]

    def test_composite_keys(self, target: Target, held: Held) -> None:
        fields = {"code": pa.string(), "line": pa.int64(), "name": pa.string()}
        lines = self.made(fields, ("code", "line"))
        target.prepare(lines)
        rows = [{"code": code, "line": line, "name": "x"} for code in ("a", 'b"') for line in (1, 11)]
        ids = self.deliver(target, lines, rows)
        assert [json.loads(str(text)) for text in ids] == [["a", "1"], ["a", "11"], ['b"', "1"], ['b"', "11"]]
        moved = {**rows[3], "line": 12, CHANGES: {"line": [11, 12]}}
        self.deliver(target, lines, [moved], Operation.UPDATE, [ids[3]])
        self.deliver(target, lines, [{}, {}], Operation.DELETE, ids[:2])
        assert sorted((row["code"], row["line"]) for row in held("t")) == [('b"', 1), ('b"', 12)]

    def test_a_shape_of_nothing_but_its_key(self, target: Target, held: Held) -> None:
        only = self.made({"code": pa.string()})
        target.prepare(only)
        for _ in range(2):
            self.deliver(target, only, [{"code": "a"}, {"code": "b"}])
        assert sorted(row["code"] for row in held("t")) == ["a", "b"]

    def test_several_shapes_share_a_target(self, target: Target, held: Held) -> None:
        shapes = [self.made(name=name) for name in ("t", "u", "v")]
        for one in shapes:
            target.prepare(one)
        for one in [*shapes, *shapes]:
            self.deliver(target, one, [self.row(one.object)], Operation.UPDATE)
        assert [held(name)[0]["code"] for name in ("t", "u", "v")] == ["t", "u", "v"]

    # -- mistakes and outages ------------------------------------------------------------

    def test_unknown_options_are_named(self, target: Target, codes: Shape) -> None:
        with pytest.raises(ConfigurationError, match="nonsense"):
            target.prepare(replace(codes, options={**codes.options, "nonsense": 1}))

    def test_a_place_that_is_gone_is_made_anew_only_on_request(
        self, target: Target, another: Target, held: Held, gone: Callable[[], object] | None
    ) -> None:
        """A place made anew would lack what was delivered, and nobody would know."""
        assert gone is not None, NEEDS.format("gone")
        made = self.made()
        known = replace(made, delivered=True)
        target.prepare(made)
        self.deliver(target, made, [self.row("a")])
        another.prepare(known)
        gone()
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="--resend"):
                another.prepare(known)
        another.prepare(made)
        self.deliver(another, made, [self.row("a")], Operation.UPDATE, ["a"])
        assert self.names(held) == {"a": "name a"}

    def test_to_ask_what_would_be_made_makes_nothing(self, target: Target) -> None:
        self.can(Making)
        assert isinstance(target, Making)
        made = self.made()
        for _ in range(2):
            assert target.would_make(made)
        assert not target.would_make(replace(made, delivered=True))
        target.prepare(made)
        assert not target.would_make(made)

    def test_a_place_where_nobody_answers_is_noticed_before_a_delivery(self, unreachable: Target) -> None:
        """`marea check` goes by it: a target whose `prepare` asks nothing has `knock`."""
        with pytest.raises(SystemUnreachable) as caught:
            self._ask(unreachable)
        assert "pa55word" not in str(caught.value)
        unreachable.close()

    def _ask(self, target: Target) -> None:
        target.prepare(shape())
        if isinstance(target, Knocking):
            target.knock()

    def test_a_knock_changes_nothing(self, target: Target, held: Held, codes: Shape) -> None:
        self.can(Knocking)
        assert isinstance(target, Knocking)
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        for _ in range(2):
            target.knock()
        assert self.names(held) == {"a": "name a"}

    def test_a_target_that_is_away_says_so(self, unreachable: Target) -> None:
        with pytest.raises(SystemUnreachable) as caught:
            self._reach(unreachable)
        assert caught.value.system
        assert caught.value.hint
        assert "pa55word" not in str(caught.value)
        unreachable.close()

    def _reach(self, target: Target) -> None:
        codes = shape()
        target.prepare(codes)
        target.deliver(codes, batch(codes, [self.row("a")], Operation.CREATE))

    def test_a_connection_that_breaks_comes_back(
        self, target: Target, held: Held, codes: Shape, cut: Callable[[], None], sessions: Sessions
    ) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a")])
        before = sessions()
        assert before, "the target keeps no connection that could break: declare a gap"
        cut()
        self.attempt(target, held, codes, "b")
        self.deliver(target, codes, [self.row("b")])
        assert not before & sessions(), "the connection was not cut"
        assert self.names(held) == {"a": "name a", "b": "name b"}

    def test_calls_come_from_several_threads(self, target: Target, held: Held, codes: Shape) -> None:
        """A run prepares and closes in one, asks `repeats` in another and delivers in a third."""
        target.prepare(codes)
        assert _elsewhere(lambda: target.repeats(codes)) == target.repeats(codes)
        for code in ("a", "b"):
            _elsewhere(partial(self.deliver, target, codes, [self.row(code)]))
        target.prepare(codes)
        self.deliver(target, codes, [self.row("c")])
        assert self.names(held) == {code: f"name {code}" for code in ("a", "b", "c")}
        target.close()

    def test_closing_is_repeatable(self, target: Target, codes: Shape) -> None:
        target.prepare(codes)
        target.close()
        target.close()


def _elsewhere(work: Callable[[], T]) -> T:
    """What it gives in a thread of its own, which ends with it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
