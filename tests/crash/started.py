"""Owns starting `child.py`: a run in a process of its own, which finds what these tests find."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHILD = Path(__file__).parent / "child.py"


def start(
    file: Path, *words: str, out: int = subprocess.PIPE, err: int | None = None
) -> subprocess.Popen[str]:
    """The process of a run of a configuration; `words` are those that `child.py` takes behind it."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(file), *words],
        stdout=out,
        stderr=err,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
