"""Owns running the stages side by side: each generator works ahead of its consumer in its own thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

DEPTH = 1  # items a stage may be ahead: enough to overlap, little enough for flat memory


class SideBySide:
    """Runs generators in threads of their own; `with SideBySide() as ahead: items = ahead(generator)`.

    An error of a generator is raised where its item would have come. Leaving the block
    stops every stage: none starts on another item, and each generator is closed in its thread.
    """

    def __init__(self) -> None:
        self._stages: list[_Stage[object]] = []

    def __enter__(self) -> SideBySide:
        return self

    def __call__(self, items: Generator[T, None, None], name: str) -> Iterator[T]:
        """The items of a generator, drawn ahead by a thread of that name."""
        stage = _Stage(items)
        self._stages.append(stage)  # type: ignore[arg-type]
        stage.start(name)
        return stage.read()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stage in self._stages:
            stage.stop()
        for stage in self._stages:
            stage.join()


class _Stage(Generic[T]):
    def __init__(self, items: Generator[T, None, None]) -> None:
        self._items = items
        self._queue: deque[T] = deque()
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
        self._thread.join()

    def read(self) -> Iterator[T]:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._done or self._stopped or bool(self._queue))
                if self._stopped or not self._queue:
                    break
                item = self._queue.popleft()
                self._change.notify_all()
            yield item
        if self._error is not None and not self._stopped:
            raise self._error

    def _work(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    break
            self._items.close()
        except BaseException as error:  # raised again in the reading thread
            self._error = error
        finally:
            with self._change:
                self._done = True
                self._change.notify_all()

    def _put(self, item: T) -> bool:
        with self._change:
            self._change.wait_for(lambda: self._stopped or len(self._queue) < DEPTH)
            if not self._stopped:
                self._queue.append(item)
                self._change.notify_all()
            return not self._stopped
