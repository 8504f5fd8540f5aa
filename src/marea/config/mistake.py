"""Owns the error that the parts of the configuration raise among themselves: it knows no place yet."""

from __future__ import annotations

NOTHING_WRITTEN = ("nothing is written here", "write a value, or remove the key")
"""Message and hint for a key with no value after it."""


class Mistake(ValueError):
    """What is wrong with one value, in plain English, and how to mend it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Lacking(Mistake):
    """What a placeholder names is not in the environment of this process."""
