"""Owns the answer to signals: the first asks a run to end, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from marea.errors import RunInterrupted
from marea.stop import Stop

EXIT_CODE = 3
CLEAR = "\r\x1b[K"
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def stopped() -> RunInterrupted:
    """The error of a command that ends at once."""
    return RunInterrupted("stopped; nothing is lost, run again to go on")


def as_interrupt() -> None:
    """Lets every signal that ends a process do it as Ctrl-C does: with a word, and an exit code of ours."""
    for number in _heard():
        signal.signal(number, signal.default_int_handler)


@contextmanager
def stopping(*, json: bool) -> Iterator[Stop]:
    """A stop that the first signal asks for; the second, or any before a run began, ends the process."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    former = {number: signal.signal(number, _noted) for number in _heard()}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    # In a thread, because the main one may be waiting for a system in the code of a driver.
    listener = threading.Thread(target=_listen, args=(reading, stop, json), name="marea-signals", daemon=True)
    listener.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in former.items():
            signal.signal(number, handler)
        os.write(writing, b"\0")
        listener.join()
        os.close(reading)
        os.close(writing)


def _heard() -> list[int]:
    """The signals that end this process; who started it may have had some ignored, as `nohup` does."""
    there: list[int] = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [number for number in there if signal.getsignal(number) is not signal.SIG_IGN]


def _noted(number: int, frame: object) -> None:
    """A signal is told through the pipe."""


def _listen(reading: int, stop: Stop, json: bool) -> None:
    heard = set(_heard())
    first = 0
    while number := os.read(reading, 1)[0]:
        if number not in heard or (number == first == getattr(signal, "SIGHUP", None)):
            continue  # a terminal that goes away says so twice
        if first or not stop.heeded:
            _end(json)
        first = number
        stop.ask(RunInterrupted(f"stopped by {signal.Signals(number).name}"))
        with suppress(OSError):
            _tell_who_watches()


def _tell_who_watches() -> None:
    if sys.stderr.isatty():
        text = "stopping: what is being delivered is finished first; once more ends at once"
        print(f"{CLEAR}{text}", file=sys.stderr, flush=True)


def _end(json: bool) -> NoReturn:
    """As a process that is killed, which the next run mends; but with a word."""
    from marea.cli.failure import tell

    with suppress(OSError):
        tell(stopped(), json=json, debug=False)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(EXIT_CODE)
