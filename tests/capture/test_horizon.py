"""No transaction commits a stamp before the horizon, whatever of it a login may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.capture.horizon import MARKS, Before, Mark, horizon, marked, numbered
from marea.ports import Writers

pytestmark = pytest.mark.unit


def test_where_nobody_writes_it_is_when_that_was_asked() -> None:
    assert horizon(Writers(100.5), ()) == 100.5


def test_it_is_the_start_of_the_oldest_that_writes() -> None:
    assert horizon(Writers(100, {"a": 70.0, "b": 30.0}), ()) == 30


def test_who_writes_since_when_nobody_knows_began_after_the_last_mark_without_him() -> None:
    marks = (Mark(10, frozenset()), Mark(20, frozenset("a")), Mark(30, frozenset("ab")))
    assert horizon(Writers(100, {"b": None}), marks) == 20
    assert horizon(Writers(100, {"a": None, "b": None}), marks) == 10
    assert horizon(Writers(100, {"a": None, "c": 5.0}), marks) == 5
    assert horizon(Writers(100, {"a": None}), marks[1:]) is None


def test_marks_that_say_the_same_are_one() -> None:
    marks = marked(Before(Writers(30, {"b": None})), (Mark(10, frozenset("a")), Mark(20, frozenset("ab"))))
    assert marks == (Mark(10, frozenset()), Mark(30, frozenset("b")))


def test_a_mark_holds_only_those_whose_start_is_hidden() -> None:
    assert marked(Before(Writers(30, {"a": 5.0})), ()) == (Mark(30, frozenset()),)


def test_the_oldest_mark_outlives_those_that_are_too_many() -> None:
    marks: tuple[Mark, ...] = ()
    for number in range(3 * MARKS):
        marks = marked(Before(Writers(number, dict.fromkeys(map(str, range(number))))), marks)
    assert len(marks) == MARKS
    assert marks[0].at == 0
    assert horizon(Writers(1000, {"0": None}), marks) == 0


@dataclass
class Database:
    """Transactions that begin, stamp and commit; of some a login sees the start, of others less."""

    now: int = 0
    open: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    begun: int = 0

    def begin(self, hidden: bool) -> None:
        self.now += 1
        self.begun += 1
        name = f"t{self.begun}"
        self.open[name] = self.now
        if hidden:
            self.hidden.add(name)

    def writers(self) -> Writers:
        self.now += 1
        told = {name: None if name in self.hidden else float(at) for name, at in self.open.items()}
        return Writers(self.now, told)

    def end(self, number: int) -> int:
        """A commit; its stamp is the start of the transaction, the earliest that it may write."""
        self.now += 1
        return self.open.pop(list(self.open)[number % len(self.open)])


Act = Callable[[Database], "int | None"]
ACTS = st.lists(
    st.one_of(
        st.booleans().map(lambda hidden: lambda database: database.begin(hidden)),
        st.integers(0, 9).map(lambda number: lambda database: database.open and database.end(number)),
        st.just("run"),
    ),
    max_size=60,
)


@pytest.mark.property
@given(ACTS)
def test_nothing_commits_before_a_horizon_that_was_told(acts: list[Act | str]) -> None:
    database, marks = Database(), ()
    highest = 0.0
    for act in acts:
        if not isinstance(act, str):
            stamp = act(database)
            assert not stamp or stamp >= highest
            continue
        writers = database.writers()
        limit = horizon(writers, marks)
        marks = marked(Before(writers), marks)
        if limit is not None:
            highest = max(highest, limit)
    while database.open:
        assert database.end(0) >= highest


@pytest.mark.property
@given(st.lists(st.booleans(), max_size=20))
def test_once_all_have_ended_it_is_now(begun: list[bool]) -> None:
    database, marks = Database(), ()
    for hidden in begun:
        database.begin(hidden)
        marks = marked(Before(database.writers()), marks)
    while database.open:
        database.end(0)
    assert horizon(database.writers(), marks) == database.now


# -- stamps that are numbers --------------------------------------------------------------------


def seen(latest: int, *open_: str) -> Before:
    """What a run asks: the highest number, then who is open; since when does not help."""
    return Before(Writers(float(latest), dict.fromkeys(open_, 1.0)), {"": str(latest)})


def test_where_nobody_is_open_all_numbers_up_to_the_highest_have_come() -> None:
    assert numbered(seen(7), ()) == {"": "7"}


def test_who_is_open_may_still_commit_a_number_behind_the_mark_it_was_not_open_at() -> None:
    marks = marked(seen(7), ())
    assert numbered(seen(9, "a"), marks) == {"": "7"}
    marks = marked(seen(9, "a"), marks)
    assert numbered(seen(12, "b"), marks) == {"": "9"}
    assert numbered(seen(12, "a", "b"), marks) == {"": "7"}


def test_who_has_been_open_since_before_the_first_mark_leaves_nothing_to_pass() -> None:
    assert numbered(seen(9, "a"), marked(seen(7, "a"), ())) == {}


class Counter:
    """A table whose rows take ascending numbers when they are written, and come when they commit."""

    def __init__(self) -> None:
        self.drawn = 0
        self.committed: set[int] = set()
        self.open: dict[str, int | None] = {}
        self.begun = 0

    def begin(self) -> None:
        self.begun += 1
        self.open[str(self.begun)] = None

    def draw(self, place: int) -> None:
        name = sorted(self.open)[place % len(self.open)]
        if self.open[name] is None:
            self.drawn += 1
            self.open[name] = self.drawn

    def end(self, place: int) -> None:
        number = self.open.pop(sorted(self.open)[place % len(self.open)])
        self.committed |= {number} if number is not None else set()

    def asked(self) -> Before:
        latest = {"": str(max(self.committed))} if self.committed else {}
        return Before(Writers(0.0, dict.fromkeys(self.open, 1.0)), latest)


@pytest.mark.property
@given(st.lists(st.tuples(st.sampled_from("bbddeer"), st.integers(0, 5)), max_size=60))
def test_no_number_comes_from_behind_one_that_was_passed(acts: list[tuple[str, int]]) -> None:
    table, marks, passed, known = Counter(), tuple[Mark, ...](), 0, set[int]()
    for act, place in acts:
        if act == "b":
            table.begin()
        elif act == "r":
            before = table.asked()
            assert all(number >= passed for number in table.committed - known)
            passed = max(passed, int(numbered(before, marks).get("", 0)))
            marks, known = marked(before, marks), set(table.committed)
        elif table.open:
            table.draw(place) if act == "d" else table.end(place)
    assert all(number >= passed for number in table.committed - known)
