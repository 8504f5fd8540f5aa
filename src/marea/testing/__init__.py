"""Owns the face of `marea.testing`: the contract suites a connector's author subclasses."""

from marea.testing.sources import SourceContract
from marea.testing.targets import TargetContract, batch, shape
from marea.testing.values import KINDS, TEXTS, Kind

__all__ = ["KINDS", "TEXTS", "Kind", "SourceContract", "TargetContract", "batch", "shape"]
