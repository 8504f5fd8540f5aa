"""Owns running the stages side by side: each generator works ahead of its consumer in its own thread.

A stage is one item ahead and no more, and nobody holds an item he has handed on: memory is
that of the batches being worked on.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Generic, TypeVar

from marea.stop import Stop

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a stage has to end by itself where it may be left behind."""


class SideBySide:
    """Runs generators in threads of their own; `with SideBySide() as ahead: items = ahead(generator)`.

    An error of a generator is raised where its item would have come. Leaving the block
    stops every stage: none starts on another item, and each generator is closed in its thread.
    """

    def __init__(self) -> None:
        self._stages: list[_Stage[object]] = []
        self._undo = ExitStack()

    def __enter__(self) -> SideBySide:
        return self

    def __call__(
        self, items: Generator[T, None, None], name: str, until: Stop | None = None, *, leave: bool = False
    ) -> Iterator[T]:
        """The items of a generator, drawn ahead by a thread of that name.

        They end once `until` is asked for, those drawn and not handed on left out. Where nobody else has what
        the stage works with, it may then be left behind (`leave`): it may wait for a system for long.
        """
        stage = _Stage(items, until if leave else None)
        self._stages.append(stage)  # type: ignore[arg-type]
        stage.start(name)
        if until is not None:
            self._undo.enter_context(until.telling(stage.stop))
        return stage.read()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undo:
            for stage in self._stages:
                stage.stop()
            for stage in self._stages:
                stage.join()


class _Stage(Generic[T]):
    def __init__(self, items: Generator[T, None, None], left: Stop | None) -> None:
        self._items = items
        self._left = left  # what makes it one that may be left behind
        self._ahead: list[T] = []  # the item the stage is ahead by, if any
        self._change = threading.Condition()
        self._done = False
        self._stopped = False
        self._error: BaseException | None = None

    def start(self, name: str) -> None:
        self._thread = threading.Thread(target=self._work, name=f"marea-{name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def join(self) -> None:
        self._thread.join(PATIENCE if self._left is not None and self._left.asked else None)

    def read(self) -> Iterator[T]:
        while self._has_item():
            yield self._take()
        if self._error is not None and not self._stopped:
            raise self._error

    def _has_item(self) -> bool:
        with self._change:
            self._change.wait_for(lambda: self._done or self._stopped or bool(self._ahead))
            return bool(self._ahead) and not self._stopped

    def _take(self) -> T:
        with self._change:
            self._change.notify_all()
            return self._ahead.pop()

    def _work(self) -> None:
        try:
            with suppress(StopIteration):
                while self._has_room():
                    self._put(next(self._items))
            self._items.close()
        except BaseException as error:  # raised again in the reading thread
            self._error = error
        finally:
            with self._change:
                self._done = True
                self._change.notify_all()

    def _has_room(self) -> bool:
        with self._change:
            self._change.wait_for(lambda: self._stopped or not self._ahead)
            return not self._stopped

    def _put(self, item: T) -> None:
        with self._change:
            self._ahead.append(item)
            self._change.notify_all()
