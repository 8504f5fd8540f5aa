from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from marea.engine.run.ahead import SideBySide
from marea.stop import Stop

pytestmark = pytest.mark.unit


def test_items_come_in_order_through_several_stages() -> None:
    def doubled(numbers) -> Generator[int, None, None]:
        for number in numbers:
            yield number * 2

    with SideBySide() as ahead:
        first = ahead((number for number in range(100)), "first")
        assert list(ahead(doubled(first), "second")) == [number * 2 for number in range(100)]


def test_an_error_comes_where_its_item_would_have() -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    def passed(items) -> Generator[int, None, None]:
        yield from items

    seen: list[int] = []

    def read() -> None:
        with SideBySide() as ahead:
            seen.extend(ahead(passed(ahead(failing(), "first")), "second"))

    with pytest.raises(ValueError, match="broken"):
        read()
    assert seen == [1]


def test_leaving_stops_every_stage_and_closes_its_generator() -> None:
    closed = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with SideBySide() as ahead:
        assert next(ahead(endless(), "endless")) == 1
    assert closed.is_set()


def test_a_stage_makes_one_item_while_another_is_worked_on_and_no_more() -> None:
    made: list[int] = []
    second = threading.Event()

    def counting() -> Generator[int, None, None]:
        for number in range(10):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    with SideBySide() as ahead:
        items = ahead(counting(), "counting")
        assert next(items) == 0
        assert second.wait(10)
        assert len(made) <= 3


def test_a_stage_ends_when_it_is_asked_to_and_its_consumer_with_it() -> None:
    stop = Stop()

    def passed(items) -> Generator[int, None, None]:
        yield from items

    def asking(items) -> Generator[int, None, None]:
        for item in items:
            stop.ask()
            yield item

    with SideBySide() as ahead:
        made = ahead(iter_of(range(1000)), "made", stop)
        settled = list(ahead(asking(ahead(passed(made), "passed", stop)), "asking"))
    assert settled == [0]


def test_a_stage_that_waits_for_a_system_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marea.engine.run.ahead.PATIENCE", 0.01)
    stop, reached, answered, closed = (Stop(), *(threading.Event() for _ in range(3)))

    def waiting() -> Generator[int, None, None]:
        try:
            reached.set()
            answered.wait()
            yield 1
        finally:
            closed.set()

    with SideBySide() as ahead:
        items = ahead(waiting(), "waiting", stop, leave=True)
        assert reached.wait(10)
        stop.ask()
        assert list(items) == []
    assert not closed.is_set()
    answered.set()
    assert closed.wait(10)


def iter_of(numbers: range) -> Generator[int, None, None]:
    yield from numbers
