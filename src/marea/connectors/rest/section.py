"""Owns how one mapping of the configuration is read: what it may name, what type each entry has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from marea.config.mistake import Mistake
from marea.config.names import suggest
from marea.config.values import LONGEST, duration, rate

MOST_CALLS = 1e9
"""Calls a second: a number that is written, not meant."""


class Section:
    """A mapping read entry by entry; every fault goes to `faults`, and reading goes on."""

    def __init__(self, value: object, where: str, known: Sequence[str], faults: list[str]) -> None:
        self._where = where
        self._faults = faults
        self._entries: Mapping[object, object] = {}
        self.strange = False
        """Whether it holds an entry that is not known, and may be a known one that is mistyped."""
        self._read = isinstance(value, Mapping)
        if not isinstance(value, Mapping):
            self.fault(f"must be a mapping of {', '.join(known)}")
            return
        self._entries = value
        for name in value:
            if name not in known:
                self.strange = True
                self.fault(f"unknown option ({suggest(str(name), known)})", str(name))

    def fault(self, message: str, name: str = "") -> None:
        """Notes what is wrong with an entry, or with the whole section."""
        place = ".".join(part for part in (self._where, name) if part)
        self._faults.append(f"{place}: {message}" if place else message)

    def has(self, name: str) -> bool:
        """Whether the entry is there and not empty."""
        return self._entries.get(name) is not None

    def get(self, name: str) -> object:
        """The entry as it was written."""
        return self._entries.get(name)

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        """A text; a number is taken as its text."""
        value = self._entries.get(name)
        if value is None:
            if required and self._read:
                self.fault(f"{name} is missing")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.fault("must be a text", name)
            return default
        return str(value).strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """A text or a list of texts."""
        value = self._entries.get(name)
        if value is None:
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, str) for item in items):
            self.fault("must be a text or a list of texts", name)
            return ()
        return tuple(str(item) for item in items)

    def pairs(self, name: str) -> dict[str, str]:
        """A mapping of names to texts."""
        value = self._entries.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or any(isinstance(item, Mapping | list) for item in value.values()):
            self.fault("must be a mapping of names to texts", name)
            return {}
        pairs = {str(key): str(item).strip() for key, item in value.items()}
        for key, item in pairs.items():
            if any(ord(char) < 32 for char in key + item):
                self.fault(f"{key} holds a line break or control character", name)
        return pairs

    def whole(self, name: str, default: int, least: int = 1) -> int:
        """A whole number, `least` or more."""
        value = self._entries.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fault(f"must be a whole number, {least} or more", name)
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._entries.get(name, default)
        if not isinstance(value, bool):
            self.fault("must be true or false", name)
            return default
        return value

    def seconds(self, name: str, default: float) -> float:
        """A duration such as `30s` or a number of seconds, more than none."""
        found = self._number(name, duration, LONGEST)
        return default if found is None else found

    def rate(self, name: str) -> float | None:
        """Calls a second, written as `50/s`, `3000/min` or a number; None where there is no limit."""
        return self._number(name, rate, MOST_CALLS)

    def _number(self, name: str, read: Callable[[object], float], most: float) -> float | None:
        """A number above zero as it is, a text in its notation; None where there is none that can be used."""
        value = self._entries.get(name)
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            found: float = value if number else read(value)  # type: ignore[assignment]
            if 0 < found <= most:
                return float(found)
            self.fault(f"must be above zero, and no more than {most:.0f}", name)
        except Mistake as mistake:
            self.fault(f"{mistake.message}; {mistake.hint}", name)
        return None
