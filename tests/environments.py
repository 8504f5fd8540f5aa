"""Owns Python environments beside ours: of programs that Marea is measured beside or tested with.

Each has the packages of one file, pinned, and is kept from run to run until that file changes.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NotInstalled(Exception):
    """The packages cannot be had on this machine; the text says why."""


def install(environment: Path, pinned: Path) -> Path:
    """The interpreter of the environment with these packages, made at need. Raises NotInstalled."""
    python = environment / "bin" / "python"
    stamp = environment / pinned.name
    with alone(environment):
        if not stamp.exists() or stamp.read_text() != pinned.read_text():
            shutil.rmtree(environment, ignore_errors=True)
            _uv("venv", "--python", sys.executable, environment)
            _uv("pip", "install", "--compile-bytecode", "--python", python, "-r", pinned)
            shutil.copy(pinned, stamp)
    return python


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """One process at a time makes what is to be at this place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _uv(*words: object) -> None:
    command = [str(Path(sys.executable).with_name("uv")), *map(str, words), "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error
    if done.returncode:
        raise NotInstalled(done.stderr.strip() or f"uv {words[0]} failed")
