"""Owns how the story is told: its steps, the commands and edits in it, and the checks it must pass."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 96


class Broken(Exception):
    """A promise that the story made and that did not hold: what was expected, what was found."""


class Teller:
    """Tells the story on a console, in colours where it is a terminal."""

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console

        self._console: Console = Console(file=out, highlight=False, markup=False, soft_wrap=True)
        self.proved = 0
        """Checks that held."""

    def title(self, text: str) -> None:
        """The story's title."""
        self._line("")
        self._line(text, "bold")

    def step(self, text: str) -> None:
        """The heading of a step."""
        self._line("\n")
        self._line(f"{text} {'─' * max(0, _WIDTH - len(text) - 1)}", "bold cyan")

    def say(self, text: str) -> None:
        """A paragraph."""
        self._line("")
        for line in wrap(text, _WIDTH, break_on_hyphens=False):
            self._line(line)

    def edit(self, who: str, sql: str, rows: int) -> None:
        """A change that somebody made in the ERP."""
        self._line(f"  {who}> {sql}", "yellow")
        self._line(f"       {rows:,} {'row' if rows == 1 else 'rows'} changed", "dim")

    def command(self, line: str) -> None:
        """A command as a user would type it."""
        self._line(f"  $ {line}", "bold green")

    def output(self, text: str) -> None:
        """What a command printed."""
        for line in text.rstrip().splitlines():
            self._line(f"    {line}")

    def check(self, what: str, expected: object, found: object) -> None:
        """Say what is proved. Raises Broken when `found` is not what was expected."""
        if expected != found:
            self._line(f"  ✗ {what}", "bold red")
            self._line(f"    expected {expected}", "red")
            self._line(f"    found    {found}", "red")
            raise Broken(f"{what}: expected {expected}, found {found}")
        self.proved += 1
        self._line(f"  ✓ {what}", "green")

    def same(self, what: str, differences: Iterable[str]) -> None:
        """Say that two things are equal. Raises Broken with the first of their differences."""
        found = list(differences)
        more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
        self.check(what, "no difference", "; ".join(found[:3]) + more if found else "no difference")

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style or None)
