"""Owns the demo's whole story, told once for all tests that ask what it says or leaves."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from marea.demo.rows import Size
from marea.demo.story import main

SIZE = Size(customers=200, items=100, suppliers=20, outdated=50)


@dataclass(frozen=True)
class Story:
    """What it came to: its exit code, what it told, the folder that it was asked to keep."""

    code: int
    told: str
    folder: Path


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder, out = tmp_path_factory.mktemp("story") / "kept", io.StringIO()
    return Story(main(folder, SIZE, out), out.getvalue(), folder)
