"""Owns the request to end early: who works asks for it between two steps, who waits is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from marea.errors import MareaError, RunInterrupted


class Stop:
    """Set once, for good, with its reason; all of it may be called from any thread."""

    def __init__(self, outer: Stop | None = None) -> None:
        """With `outer` this one is asked for, too, as soon as that one is."""
        self._outer = outer
        self._own: MareaError | None = None
        self._listeners: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self.heeded = False
        """Whether somebody is at work who ends by himself when asked: who asks need do no more."""

    @property
    def why(self) -> MareaError | None:
        """The reason; None while nothing shall end."""
        return self._own or (self._outer.why if self._outer is not None else None)

    @property
    def asked(self) -> bool:
        """Whether to begin nothing more."""
        return self.why is not None

    def ask(self, why: MareaError | None = None) -> None:
        """Asks for the end; only the first reason counts."""
        with self._lock:
            if self._own is None:
                self._own = why or RunInterrupted("stopped")
                for tell in self._listeners:
                    tell()

    def check(self) -> None:
        """Raises the reason once the end is asked for."""
        if (why := self.why) is not None:
            raise why

    @contextmanager
    def telling(self, tell: Callable[[], object]) -> Iterator[None]:
        """Calls `tell` when the end is asked for, at once where it is already, and never after the block.

        It is called in the thread of who asks, perhaps twice, and must not wait for anybody.
        """
        with ExitStack() as outer:
            if self._outer is not None:
                outer.enter_context(self._outer.telling(tell))
            with self._lock:
                self._listeners.append(tell)
                if self._own is not None:
                    tell()
            try:
                yield
            finally:
                with self._lock:
                    self._listeners.remove(tell)
