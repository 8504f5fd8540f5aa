"""Owns the part of the contract of targets about verdicts: what is said of a record is what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from marea.capabilities import Foreseeing, GivingIds, Knocking, Making, Stoppable
from marea.delivery.deliver import deliver
from marea.errors import BatchRefused, SystemUnreachable
from marea.model import INTERRUPTED, UNKNOWN, Operation
from marea.ports import Receipt, Shape, Target
from marea.stop import Stop
from marea.testing.delivering import Delivering, Row, batch
from marea.testing.suite import NEEDS

Held = Callable[[str], list[dict[str, Any]]]


class Deciding(Delivering):
    """Records that are refused, whose answer is lost, or that are not sent any more.

    Of its own it can be subclassed for a target that makes second records, which
    `TargetContract` is not for.
    """

    @pytest.fixture
    def codes(self) -> Shape:
        """An object with a text key, a text and an amount."""
        return self.made()

    @pytest.fixture
    def refused(self) -> Row | None:
        """A record of `codes` with the code "no", the only one that is refused; None: all are taken."""
        return None

    @pytest.fixture
    def lose_answer(self) -> Callable[[], object] | None:
        """Makes the system apply the next write and not answer; None: its answers cannot be lost."""
        return None

    @pytest.fixture
    def leave(self) -> Callable[[], object] | None:
        """Takes the system away from a target that is prepared; None: it cannot go away."""
        return None

    def names(self, held: Held) -> dict[str, str]:
        """What the object t holds: code -> name."""
        return {row["code"]: row["name"] for row in held("t")}

    def test_it_can_what_it_declares(self, target: Target) -> None:
        self.can_what_it_declares(target, (Foreseeing, GivingIds, Knocking, Making, Stoppable))

    # -- refused -----------------------------------------------------------------------------

    def test_a_record_that_is_refused_holds_back_no_other(
        self, target: Target, held: Held, codes: Shape, refused: Row | None
    ) -> None:
        assert refused is not None, NEEDS.format("refused")
        target.prepare(codes)
        sent = batch(codes, [self.row("a"), refused, self.row("c")], Operation.CREATE)
        done = deliver("erp", target, codes, sent, Stop())
        assert list(done.receipt.rejected) == [1]
        assert done.receipt.rejected[1].code
        assert done.receipt.rejected[1].text
        assert not done.receipt.deferred
        assert not done.receipt.in_doubt
        assert done.away is None
        assert self.names(held) == {"a": "name a", "c": "name c"}

    def test_what_is_said_of_a_refused_batch_is_so(
        self, target: Target, held: Held, codes: Shape, refused: Row | None
    ) -> None:
        assert refused is not None, NEEDS.format("refused")
        target.prepare(codes)
        rows = [self.row("a"), refused, self.row("c")]
        said = self._rejected(target, codes, rows)
        assert said in ([1], [0, 1, 2])
        assert self.names(held) == ({"a": "name a", "c": "name c"} if said == [1] else {})

    def _rejected(self, target: Target, codes: Shape, rows: Sequence[Row]) -> list[int]:
        try:
            return list(target.deliver(codes, batch(codes, rows, Operation.CREATE)).rejected)
        except BatchRefused:  # which says that nothing of it was applied
            return list(range(len(rows)))

    # -- lost --------------------------------------------------------------------------------

    def test_a_lost_answer_is_no_verdict(
        self, target: Target, held: Held, codes: Shape, lose_answer: Callable[[], object] | None
    ) -> None:
        """It is applied, or nobody knows; never is it refused, or told as not applied."""
        assert lose_answer is not None, NEEDS.format("lose_answer")
        target.prepare(codes)
        lose_answer()
        receipt = self.attempt(target, held, codes, "a")
        assert self.names(held) == {"a": "name a"}, "nothing was applied: no answer of a write was lost"
        assert receipt is not None
        if not receipt.in_doubt:
            self.deliver(target, codes, [self.row("a", "by then")])
            assert [row["name"] for row in held("t")] == ["by then"]

    def attempt(self, target: Target, held: Held, codes: Shape, code: str) -> Receipt | None:
        """Delivers a new record of which anything may become; asserts that what is said of it is so.

        None where nothing was applied because the system is away.
        """
        try:
            receipt = target.deliver(codes, batch(codes, [self.row(code)], Operation.CREATE))
        except SystemUnreachable:
            assert code not in self.names(held), "SystemUnreachable says that nothing was applied"
            return None
        assert not receipt.rejected
        assert not receipt.in_doubt or not target.repeats(codes), "what repeats a create leaves none in doubt"
        left = {**receipt.deferred, **receipt.in_doubt}
        if code in self.names(held):
            assert {problem.code for problem in left.values()} <= {UNKNOWN}
        else:
            assert list(left) == [0], "it was told as applied, and is not there"
        return receipt

    # -- away --------------------------------------------------------------------------------

    def test_nothing_is_applied_once_the_system_has_gone_away(
        self, target: Target, codes: Shape, leave: Callable[[], object] | None
    ) -> None:
        """Each record is put off, and the target told as away."""
        assert leave is not None, NEEDS.format("leave")
        target.prepare(codes)
        leave()
        sent = batch(codes, [self.row("a"), self.row("b")], Operation.CREATE)
        done = deliver("erp", target, codes, sent, Stop())
        assert not done.receipt.rejected
        left = {**done.receipt.deferred, **done.receipt.in_doubt}
        assert sorted(left) == [0, 1], "it was told as applied, and nobody was there"
        assert done.away is not None

    # -- ended early -------------------------------------------------------------------------

    def test_a_delivery_that_is_to_end_sends_nothing_more(
        self, target: Target, held: Held, codes: Shape
    ) -> None:
        self.can(Stoppable)
        assert isinstance(target, Stoppable)
        stop = Stop()
        stop.ask()
        target.prepare(codes)
        target.heed(stop)
        rows = [self.row("a"), self.row("b")]
        receipt = target.deliver(codes, batch(codes, rows, Operation.CREATE))
        assert sorted(receipt.deferred) == [0, 1]
        assert {problem.code for problem in receipt.deferred.values()} == {INTERRUPTED}
        assert not receipt.rejected
        assert not receipt.away
        assert self.names(held) == {}
        target.heed(Stop())
        self.deliver(target, codes, rows)
        assert self.names(held) == {"a": "name a", "b": "name b"}
