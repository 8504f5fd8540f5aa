"""Owns how one mapping of the configuration is read: what it may name, what type each entry has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)\s*")
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(s|m|min|h|d)\s*")


def nearest(name: object, known: Sequence[str]) -> str:
    """The hint to a wrong name: the nearest of `known`, or all of them."""
    near = get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"


class Section:
    """A mapping read entry by entry; every fault goes to `faults`, and reading goes on."""

    def __init__(self, value: object, where: str, known: Sequence[str], faults: list[str]) -> None:
        self._where = where
        self._faults = faults
        self._entries: Mapping[object, object] = {}
        self._read = isinstance(value, Mapping)
        if not isinstance(value, Mapping):
            self.fault(f"must be a mapping of {', '.join(known)}")
            return
        self._entries = value
        for name in value:
            if name not in known:
                self.fault(f"unknown option {name} ({nearest(name, known)})")

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
        found = _number(self._entries.get(name, default), _DURATION, lambda number, unit: number * unit)
        if found is None:
            self.fault("must be a duration such as 30s, 500ms or 2m", name)
            return default
        return found

    def rate(self, name: str) -> float | None:
        """Calls a second, written as `50/s`, `3000/min` or a number; None where there is no limit."""
        if not self.has(name):
            return None
        found = _number(self._entries[name], _RATE, lambda number, unit: number / unit)
        if found is None:
            self.fault("must be a rate such as 50/s or 3000/min", name)
        return found


def _number(value: object, pattern: re.Pattern[str], of: Callable[[float, float], float]) -> float | None:
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and (match := pattern.fullmatch(value)):
        number = of(float(match[1]), _SECONDS[match[2]])
    return number if number is not None and number > 0 else None
