"""Owns the entry point: takes a command line to its command, and every error to its exit code.

Start-up is measured: nothing is imported here that a run with nothing to do does not need.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

from marea.cli.arguments import parse
from marea.cli.signals import as_interrupt, ending, stopped
from marea.cli.streams import Unwritable, given_up, set_up
from marea.errors import ConfigurationError, EntityBusy, RunInterrupted, SystemUnreachable

USAGE, AWAY, INTERNAL = 2, 3, 4


def main() -> NoReturn:
    """Carries out the command line of this process, and ends it with the exit code."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for those who write Python, not for those who run it
    # Arrow's own allocator keeps what batches have freed: a quarter more memory, for nothing gained here.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    set_up()
    _note_missing()
    as_interrupt()
    _leave(run(sys.argv[1:]))


def _note_missing() -> None:
    """Says that packages are not there: Arrow looks for them along the whole path at every value it takes."""
    for name in ("dateutil", "pandas"):
        if find_spec(name) is None:
            sys.modules[name] = None  # type: ignore[assignment]


def run(words: Sequence[str]) -> int:
    """Carries out a command line; gives the exit code."""
    try:
        code = _carried_out(words)
        sys.stdout.flush()
    except Unwritable as error:
        return given_up(error)
    return code


def _carried_out(words: Sequence[str]) -> int:
    """Carries out a command line and tells its error. Raises Unwritable."""
    config = None
    try:
        options = parse(words)
        config = options.config
        module, _, function = options.action.partition(":")
        command = getattr(import_module(f"marea.cli.{module}"), function)
        with ending(json=options.json):
            return int(command(options))
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        return _failed(stopped(), words, config)
    except Unwritable:
        raise
    except Exception as error:  # the last resort: nobody is shown a traceback unless asked for
        return _failed(error, words, config)


def _leave(code: int) -> NoReturn:
    """Ends the process. A read that a run which was stopped has left behind would be in Python's way."""
    if code == AWAY and threading.active_count() > 1:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _failed(error: Exception, words: Sequence[str], config: str | None) -> int:
    """Tells an error, and gives its exit code."""
    from marea.cli.failure import tell

    tell(error, config=config, json="--json" in words, debug="--debug" in words)
    if isinstance(error, ConfigurationError):
        return USAGE
    if isinstance(error, SystemUnreachable | EntityBusy | RunInterrupted):
        return AWAY
    return INTERNAL
