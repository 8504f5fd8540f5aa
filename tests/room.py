"""Owns where the tests put their files: in memory, where there is room for them.

Nobody reads these files again, and each test makes hundreds of them where it asks for a database.
ext4 spares the numbers of files just deleted and looks for others one by one, so that on a disk
CREATE DATABASE took two thirds of all the time.
"""

from __future__ import annotations

import os

MEMORY = "/dev/shm"
ROOM = 2 << 30
"""Bytes: two processes with two servers each hold a quarter of this."""


def in_memory() -> str | None:
    """The folder in memory; None where there is none with room, or none that programs may be started in."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    fits = found.f_bavail * found.f_frsize >= ROOM
    return MEMORY if fits and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK) else None
