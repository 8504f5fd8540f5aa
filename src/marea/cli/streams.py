"""Owns what becomes of output that cannot be written: a full disk, a closed stream, a reader that left."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

EXIT_CODE = 2


class Unwritable(OSError):
    """stdout takes nothing more: an error of its own, which is not taken for one of a file or a system."""


class Output(io.TextIOWrapper):
    """stdout, whose errors are `Unwritable`."""

    def write(self, text: str) -> int:
        """Writes a text."""
        try:
            return super().write(text)
        except OSError as error:
            raise Unwritable(error.errno, error.strerror) from None

    def flush(self) -> None:
        """Sends what was written."""
        try:
            super().flush()
        except OSError as error:
            raise Unwritable(error.errno, error.strerror) from None


def set_up() -> None:
    """Gives the process an stdout that tells its errors, and streams of its own where it began without."""
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if isinstance(given := sys.stdout, io.TextIOWrapper):
        form = (given.encoding, given.errors, None, given.line_buffering, given.write_through)
        sys.stdout = Output(given.detach(), *form)


def given_up(error: Unwritable) -> int:
    """Lets go of stdout, and says why, unless its reader has seen enough; gives the exit code."""
    # Python would try once more when it ends, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return 0
    with suppress(OSError):
        print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
    return EXIT_CODE
