"""Owns what is said of a mistake before its place is known: an error of ours, a sentence of a connector."""

from __future__ import annotations

from collections.abc import Container

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


def placed(said: str, written: Container[str]) -> tuple[str, str]:
    """The place of the option that a connector's sentence begins with, and what it says of that.

    No place, and all of the sentence, where it begins with none that is written.
    """
    place, _, text = said.partition(": ")
    return (place, text) if text and place in written else ("", said)
