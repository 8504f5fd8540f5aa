"""Owns the face of `marea.testing`: the contract suites a connector's author subclasses."""

# ruff: noqa: E402
import pytest

pytest.register_assert_rewrite(
    *(
        "marea.testing." + part
        for part in ("arriving", "deciding", "declaring", "delivering", "describing", "holding")
    ),
    *("marea.testing." + part for part in ("receiving", "sources", "streaming", "suite", "targets")),
    "marea.testing.writing",
)

from marea.testing.declaring import ConnectorContract
from marea.testing.delivering import batch, shape
from marea.testing.receiving import TargetContract
from marea.testing.sources import SourceContract
from marea.testing.targets import SqlTargetContract
from marea.testing.values import KINDS, TEXTS, Kind

__all__ = [
    "KINDS",
    "TEXTS",
    "ConnectorContract",
    "Kind",
    "SourceContract",
    "SqlTargetContract",
    "TargetContract",
    "batch",
    "shape",
]
