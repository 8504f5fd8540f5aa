"""Owns the way to what a benchmark shares with the tests: their servers."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
