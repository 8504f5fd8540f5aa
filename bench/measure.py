"""Owns one measurement: wall time and processor time of a whole process, and the peak memory of its tree.

Memory is resident memory as /proc tells it: the sum over the process and its descendants, looked
at every few milliseconds, and never less than the highest mark the kernel kept for one of them.
Pages that several processes share are counted in each.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run: its arguments and what it needs in its environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


@dataclass(frozen=True, slots=True)
class Measured:
    """How a process went."""

    seconds: float
    cpu_seconds: float
    """Of the process and its descendants; the work of the database server is not in it."""
    peak_mb: float
    code: int
    output: str
    """Its standard output."""
    messages: str
    """Its standard error."""


class Watch(threading.Thread):
    """Follows the memory of a process tree until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self._sum = 0
        self._high = 0

    def run(self) -> None:
        while not self._over.wait(PAUSE):
            tree = _tree(self._pid)
            self._sum = max(self._sum, sum(_resident(pid) for pid in tree))
            self._high = max(self._high, *(_high_water(pid) for pid in tree))

    def peak_mb(self) -> float:
        """Ends the watch; gives the peak in 10^6 bytes."""
        self._over.set()
        self.join()
        return max(self._sum, self._high) / 1e6


def measure(command: Command, seconds: float = 1800) -> Measured:
    """Run a process to its end."""
    # A caller's PYTHONDONTWRITEBYTECODE, say, would have a contestant compile itself every time.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    output, messages = command.folder / "stdout.log", command.folder / "stderr.log"
    with output.open("w") as out, messages.open("w") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env={**clean, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        watch = Watch(process.pid)
        watch.start()
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            limit.cancel()
        took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(took, cpu, watch.peak_mb(), process.returncode, output.read_text(), messages.read_text())


def _tree(pid: int) -> list[int]:
    """A process and its descendants; any thread of a process may have started a child."""
    found = [pid]
    for each in found:
        for thread in _listing(f"/proc/{each}/task"):
            found.extend(int(child) for child in _read(f"{thread}/children").split())
    return found


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE if fields else 0


def _high_water(pid: int) -> int:
    _, _, rest = _read(f"/proc/{pid}/status").partition("VmHWM:")
    return int(rest.split()[0]) * 1024 if rest else 0


def _listing(path: str) -> list[Path]:
    try:
        return list(Path(path).iterdir())
    except OSError:  # it has ended meanwhile
        return []


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # it has ended meanwhile
        return ""
