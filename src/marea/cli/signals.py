"""Owns the answer to signals: the first asks a run to end and ends other commands, the second the process."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NoReturn

from marea.errors import RunInterrupted
from marea.stop import Stop

EXIT_CODE = 3
GRACE = 1.0  # seconds a command has to end by itself: a driver that waits for a lock does not let go
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
def ending(*, json: bool) -> Iterator[None]:
    """Sees to it that a signal ends the process, also where the code of a driver has it."""
    with _listening(signal.default_int_handler, partial(_see_to_the_end, json=json)):
        yield


@contextmanager
def stopping(*, json: bool) -> Iterator[Stop]:
    """A stop that the first signal asks for; the second, or any before a run began, ends the process."""
    stop = Stop()
    with _listening(_noted, partial(_listen, stop=stop, json=json)):
        yield stop


@contextmanager
def _listening(handler: Callable[[int, Any], Any], listen: Callable[[int], None]) -> Iterator[None]:
    """A thread that reads the numbers of signals, and 0 at the end, where `handler` answers them here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    former = {number: signal.signal(number, handler) for number in _heard()}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    # In a thread, because the main one may be waiting for a system in the code of a driver.
    listener = threading.Thread(target=listen, args=(reading,), name="marea-signals", daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, before in former.items():
            signal.signal(number, before)
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


def _see_to_the_end(reading: int, *, json: bool) -> None:
    """Ends the process when it has not ended by itself soon after a signal, or with the second one."""
    heard = set(_heard())
    while number := os.read(reading, 1)[0]:
        if number in heard:
            soon, _, _ = select.select([reading], [], [], GRACE)
            if not soon or os.read(reading, 1)[0]:
                _end(json)
            return


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
