"""Owns who a process is to others: a name for leases and runs, and whether such a process still lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


def current_owner() -> str:
    """The name of the running process, `host:pid:start`: by its start a later one with its pid differs."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start(os.getpid())}{_place()}"


def is_dead(owner: str) -> bool:
    """Whether that process ran where this one does and has ended.

    False when that cannot be known: it ran on another host, in another container, before
    a restart, or on a system without /proc. Its leases then end by time.
    """
    host, pid, start = owner.rsplit(":", 2)
    ticks, _, place = start.partition("@")
    if not place or host != socket.gethostname() or f"@{place}" != _place():
        return False
    return _start(int(pid)) != ticks


def describe(owner: str) -> str:
    """The owner as people name it."""
    host, pid, _ = owner.rsplit(":", 2)
    return f"process {pid} on {host}"


def _start(pid: int) -> str:
    """When the process started, in clock ticks since boot; empty for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


@cache
def _place() -> str:
    """The boot and the set of process numbers we live in: equal host names are not enough."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"@{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
