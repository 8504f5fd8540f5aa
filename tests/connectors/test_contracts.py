"""The contract of targets holds of the one in memory, and finds whoever breaks one of its promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from inspect import signature
from threading import get_ident
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from marea.capabilities import Knocking, Making, Stoppable
from marea.errors import BatchRefused, RunStopped, SystemUnreachable
from marea.model import INTERRUPTED, UNKNOWN, Problem
from marea.ports import CHANGES, OPERATION, TARGET_ID, Receipt, Shape, Target
from marea.sql.arrays import put
from marea.sql.keys import identities
from marea.stop import Stop
from marea.testing import TargetContract
from marea.testing.deciding import Deciding
from marea.testing.memory import MemoryTarget, Records

pytestmark = pytest.mark.contract


class Keeping(MemoryTarget):
    """Loses answers as it is told, ends early, and can be knocked at."""

    def __init__(self, records: Records, away_after: int | None = None) -> None:
        super().__init__(lambda key, row: "it is not wanted" if key == "no" else None, away_after, records)
        self.lost = False
        self.stop = Stop()

    def heed(self, stop: Stop) -> None:
        self.stop = stop

    def knock(self) -> None:
        self._reach()

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        if self.stop.asked:
            return all_deferred(batch, INTERRUPTED)
        receipt = super().deliver(shape, batch)
        lost, self.lost = self.lost, False
        return self.unheard(batch) if lost else receipt

    def leave(self) -> None:
        """Its system is away from now on."""
        self._away_after = 0

    def unheard(self, batch: pa.Table) -> Receipt:
        """What is said where it was applied and the answer was lost."""
        return all_deferred(batch, UNKNOWN)


def all_deferred(batch: pa.Table, code: str) -> Receipt:
    return Receipt(deferred=dict.fromkeys(range(batch.num_rows), Problem(code, code)))


class TestMemoryTarget(TargetContract):
    capabilities = (Knocking, Making, Stoppable)
    gaps = MappingProxyType(
        {"test_a_connection_that_breaks_comes_back": "memory has no connection that could break"}
    )

    @pytest.fixture
    def target(self) -> Target:
        return Keeping({})

    @pytest.fixture
    def another(self, target: Keeping) -> Target:
        return Keeping(target.records)

    @pytest.fixture
    def held(self, target: Keeping) -> Callable[[str], list[dict[str, Any]]]:
        return lambda name: list(target.records[name].values())

    @pytest.fixture
    def unreachable(self) -> Target:
        return Keeping({}, away_after=0)

    @pytest.fixture
    def cut(self) -> Callable[[], None]:
        return lambda: None

    @pytest.fixture
    def sessions(self) -> Callable[[], set[str]]:
        return set

    @pytest.fixture
    def refused(self) -> dict[str, Any]:
        return self.row("no")

    @pytest.fixture
    def lose_answer(self, target: Keeping) -> Callable[[], object]:
        return lambda: setattr(target, "lost", True)

    @pytest.fixture
    def leave(self, target: Keeping) -> Callable[[], object]:
        return target.leave

    @pytest.fixture
    def gone(self, target: Keeping) -> Callable[[], object]:
        return lambda: target.records.pop("t")


# -- what the port leaves to a target ----------------------------------------------------------


class ByChanges(Keeping):
    """Gives ids of its own: what key a record was known by stands in CHANGES alone."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        keys = identities([batch[name] for name in shape.key]).to_pylist()
        rows = zip(batch.select(shape.key).to_pylist(), batch[CHANGES].to_pylist(), strict=True)
        former = [
            {name: json.loads(texts or "{}").get(name, [row[name]])[0] for name in row} for row, texts in rows
        ]
        known = identities([pa.array([row[name] for row in former], batch[name].type) for name in shape.key])
        deleted = pc.equal(batch[OPERATION], "delete")
        receipt = super().deliver(shape, put(batch, TARGET_ID, pc.if_else(deleted, batch[TARGET_ID], known)))
        return replace(receipt, target_ids=pa.array(keys, pa.string()))


class TestTargetThatGoesByChanges(TestMemoryTarget):
    @pytest.fixture
    def target(self) -> Target:
        return ByChanges({})


# -- whoever breaks a promise is found ---------------------------------------------------------


class Raising(Keeping):
    """Lets its driver's error through."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        try:
            return super().deliver(shape, batch)
        except BatchRefused as error:
            raise ValueError(error.message) from None


class Swallowing(Keeping):
    """Leaves out what is refused and says nothing of it."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        try:
            return super().deliver(shape, batch)
        except BatchRefused:
            return Receipt()


class Partial(Keeping):
    """Applies what comes before the bad record, and then refuses the whole batch."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        for row in range(batch.num_rows):
            super().deliver(shape, batch.slice(row, 1))
        return Receipt()


class Deferring(Keeping):
    """Puts off what is refused."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        try:
            return super().deliver(shape, batch)
        except BatchRefused:
            return all_deferred(batch, "later")


class LostIsRefused(Keeping):
    def unheard(self, batch: pa.Table) -> Receipt:
        return Receipt(rejected={0: Problem("timeout", "no answer")})


class LostIsAway(Keeping):
    def unheard(self, batch: pa.Table) -> Receipt:
        raise SystemUnreachable("memory", "no answer", hint="run again")


class LostIsPutOff(Keeping):
    """Does not say that the record may be there."""

    def unheard(self, batch: pa.Table) -> Receipt:
        return all_deferred(batch, "timeout")


class LostIsInDoubt(Keeping):
    """Leaves to a person what it could send again."""

    def unheard(self, batch: pa.Table) -> Receipt:
        return Receipt(in_doubt={0: Problem.made_once()})


class LostAtOnce(Keeping):
    """Takes what was never sent for applied."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        lost, self.lost = self.lost, False
        return Receipt() if lost else super().deliver(shape, batch)


class Doubling(Keeping):
    """Makes a second record of a create that comes again."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        receipt = super().deliver(shape, batch)
        held = self.records[shape.object]
        held |= {f"{key} again": row for key, row in held.items() if batch[OPERATION][0].as_py() == "create"}
        return receipt


class Blind(Keeping):
    """Takes for applied what it sent to nobody."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        try:
            return super().deliver(shape, batch)
        except SystemUnreachable:
            return Receipt()


class Blaming(Keeping):
    """Takes an outage for a refusal."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        try:
            return super().deliver(shape, batch)
        except SystemUnreachable as error:
            raise BatchRefused(error.message) from None


class Unaware(Keeping):
    """Puts off what it sent to nobody, and goes on as if somebody were there."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        try:
            return super().deliver(shape, batch)
        except SystemUnreachable:
            return all_deferred(batch, "unreachable")


class Misspelt(Keeping):
    """Heeds under another name."""

    @property
    def heed(self) -> None:
        raise AttributeError("head")


class Uncallable(Keeping):
    knock = "knock"  # type: ignore[assignment]


class Able(Keeping):
    """Can what nobody declares, and what no test asks then."""

    def foreseen(self, shape: Shape) -> list[object]:
        return []


class Staying(Keeping):
    """Leaves a record whose key changed under the old one too."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        deleted = pc.equal(batch[OPERATION], "delete")
        ids = pc.if_else(deleted, batch[TARGET_ID], pa.scalar(None, pa.string()))
        return super().deliver(shape, put(batch, TARGET_ID, ids))


class Plain(Keeping):
    """Keeps texts and whole numbers alone."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        receipt = super().deliver(shape, batch)
        for row in self.records[shape.object].values():
            row |= {name: None for name, value in row.items() if type(value) not in (str, int)}
        return receipt


class Rough(Keeping):
    """Keeps one digit after the point."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        receipt = super().deliver(shape, batch)
        for row in self.records[shape.object].values():
            row |= {name: round(value, 1) for name, value in row.items() if isinstance(value, Decimal)}
        return receipt


class Terse(Keeping):
    """Says how long the first record took, and of no other."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        return replace(super().deliver(shape, batch), durations=pa.array([1]))


class Deaf(Keeping):
    def heed(self, stop: Stop) -> None:
        pass


class Abrupt(Keeping):
    """Takes the request to end for an outage."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        receipt = super().deliver(shape, batch)
        receipt.away = "stopped" if self.stop.asked else ""
        return receipt


class Forgetful(Keeping):
    """Makes a place anew that was delivered to."""

    def prepare(self, shape: Shape) -> None:
        super().prepare(replace(shape, delivered=False))


class Once(Keeping):
    """Says once that a place is gone, and makes it anew all the same."""

    def prepare(self, shape: Shape) -> None:
        try:
            super().prepare(shape)
        finally:
            self.records.setdefault(shape.object, {})


class Silent(Keeping):
    """Asks nothing of its system before a delivery."""

    def prepare(self, shape: Shape) -> None:
        super().prepare(shape) if self._away_after is None else None

    def knock(self) -> None:
        pass


class Busy(Keeping):
    """Writes where somebody knocks."""

    def knock(self) -> None:
        self.records["t"].clear()


class Bound(Keeping):
    """Belongs to the thread that prepared it, as a driver may."""

    def prepare(self, shape: Shape) -> None:
        super().prepare(shape)
        self._owner = get_ident()

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        assert self._owner == get_ident()
        return super().deliver(shape, batch)


class Careless(Keeping):
    """Takes whatever stands under `target:`."""

    def prepare(self, shape: Shape) -> None:
        super().prepare(replace(shape, options={}))


class Hasty(Keeping):
    """Makes what it is asked about."""

    def would_make(self, shape: Shape) -> bool:
        lacks = super().would_make(shape)
        self.prepare(replace(shape, delivered=False))
        return lacks


BROKEN = {
    Raising: (
        TargetContract.test_a_record_that_is_refused_holds_back_no_other,
        TargetContract.test_what_is_said_of_a_refused_batch_is_so,
    ),
    Swallowing: (
        TargetContract.test_a_record_that_is_refused_holds_back_no_other,
        TargetContract.test_what_is_said_of_a_refused_batch_is_so,
    ),
    Partial: (TargetContract.test_what_is_said_of_a_refused_batch_is_so,),
    Deferring: (TargetContract.test_a_record_that_is_refused_holds_back_no_other,),
    LostIsRefused: (TargetContract.test_a_lost_answer_is_no_verdict,),
    LostIsAway: (TargetContract.test_a_lost_answer_is_no_verdict,),
    LostIsPutOff: (TargetContract.test_a_lost_answer_is_no_verdict,),
    LostIsInDoubt: (TargetContract.test_a_lost_answer_is_no_verdict,),
    LostAtOnce: (TargetContract.test_a_lost_answer_is_no_verdict,),
    Doubling: (TargetContract.test_a_lost_answer_is_no_verdict,),
    Blind: (TargetContract.test_nothing_is_applied_once_the_system_has_gone_away,),
    Blaming: (TargetContract.test_nothing_is_applied_once_the_system_has_gone_away,),
    Unaware: (TargetContract.test_nothing_is_applied_once_the_system_has_gone_away,),
    Misspelt: (TargetContract.test_it_can_what_it_declares,),
    Uncallable: (TargetContract.test_it_can_what_it_declares,),
    Able: (TargetContract.test_it_can_what_it_declares,),
    Staying: (TargetContract.test_a_key_that_changed_moves_the_record, TargetContract.test_composite_keys),
    Plain: (TargetContract.test_amounts_dates_and_truth_values_arrive,),
    Rough: (TargetContract.test_amounts_dates_and_truth_values_arrive,),
    Terse: (TargetContract.test_creates_updates_and_deletes,),
    Deaf: (TargetContract.test_a_delivery_that_is_to_end_sends_nothing_more,),
    Abrupt: (TargetContract.test_a_delivery_that_is_to_end_sends_nothing_more,),
    Forgetful: (TargetContract.test_a_place_that_is_gone_is_made_anew_only_on_request,),
    Once: (TargetContract.test_a_place_that_is_gone_is_made_anew_only_on_request,),
    Silent: (TargetContract.test_a_place_where_nobody_answers_is_noticed_before_a_delivery,),
    Bound: (TargetContract.test_calls_come_from_several_threads,),
    Careless: (TargetContract.test_unknown_options_are_named,),
    Hasty: (TargetContract.test_to_ask_what_would_be_made_makes_nothing,),
    Busy: (TargetContract.test_a_knock_changes_nothing,),
}
"""A target that breaks a promise -> the tests that find it."""

FOUND = [(broken, test) for broken, tests in BROKEN.items() for test in tests]


def perform(kind: type[Keeping], test: Callable[..., None]) -> None:
    """A test of the contract, on a target of that kind."""
    suite, target = TestMemoryTarget(), kind({})
    given = {
        "target": target,
        "another": kind(target.records),
        "held": lambda name: list(target.records[name].values()),
        "unreachable": kind({}, away_after=0),
        "codes": suite.made(),
        "refused": suite.row("no"),
        "lose_answer": lambda: setattr(target, "lost", True),
        "leave": target.leave,
        "gone": lambda: target.records.pop("t"),
    }
    test(suite, **{name: given[name] for name in signature(test).parameters if name != "self"})


@pytest.mark.parametrize(("broken", "test"), FOUND, ids=lambda it: it.__name__)
def test_whoever_breaks_a_promise_is_found(broken: type[Keeping], test: Callable[..., None]) -> None:
    perform(Keeping, test)
    wrong = (AssertionError, ValueError, SystemUnreachable, RunStopped, pytest.fail.Exception)
    with pytest.raises(wrong):
        perform(broken, test)


def test_each_promise_about_verdicts_has_somebody_who_breaks_it() -> None:
    promises = {name for name in vars(Deciding) if name.startswith("test_")}
    assert promises <= {test.__name__ for _, test in FOUND}


@pytest.mark.parametrize(
    ("fixture", "test"),
    [
        ("refused", TargetContract.test_a_record_that_is_refused_holds_back_no_other),
        ("refused", TargetContract.test_what_is_said_of_a_refused_batch_is_so),
        ("lose_answer", TargetContract.test_a_lost_answer_is_no_verdict),
        ("leave", TargetContract.test_nothing_is_applied_once_the_system_has_gone_away),
        ("gone", TargetContract.test_a_place_that_is_gone_is_made_anew_only_on_request),
    ],
    ids=lambda it: it if isinstance(it, str) else it.__name__,
)
def test_a_fixture_that_is_not_given_is_a_gap_and_no_pass(fixture: str, test: Callable[..., None]) -> None:
    needed = dict.fromkeys(name for name in signature(test).parameters if name != "self")
    with pytest.raises(AssertionError, match=f"give the fixture `{fixture}`, or declare a gap"):
        test(TestMemoryTarget(), **needed)
