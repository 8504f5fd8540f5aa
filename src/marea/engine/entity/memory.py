"""Owns opening a project's state when it is first needed, and reading without making one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from marea.store.state import State


class Memory:
    """The state of one project: one to write to, and the same, or an empty one, to read from."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._state: State | None = None
        self._empty: State | None = None
        self._folder: TemporaryDirectory[str] | None = None

    @property
    def state(self) -> State:
        """The state, made when there is none yet."""
        from marea.store.state import open_state

        if self._state is None:
            self._state = open_state(self._url)
        return self._state

    @property
    def known(self) -> State:
        """The state for reading; where there is none an empty one that is thrown away: none is made."""
        from marea.store.state import exists

        if self._state is not None or exists(self._url):
            return self.state
        if self._empty is None:
            self._empty = self._made_empty()
        return self._empty

    def _made_empty(self) -> State:
        from tempfile import TemporaryDirectory

        from marea.store.state import open_state

        self._folder = TemporaryDirectory(prefix="marea-")
        return open_state(f"sqlite:///{self._folder.name}/empty.db")

    def close(self) -> None:
        """Gives every connection back. Repeatable."""
        for state in (self._state, self._empty):
            if state is not None:
                state.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._state = self._empty = self._folder = None
