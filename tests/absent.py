"""Owns what a test does where this machine lacks what it needs: it is left out, and fails with CI=true."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def left_out(reason: str) -> NoReturn:
    """Ends the test that asks, for this reason."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have everything that is tested: {reason}")
    pytest.skip(reason)
