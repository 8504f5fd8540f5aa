"""Owns the fixtures of the crash tests: an application that answers by script."""

from __future__ import annotations

from connectors.rest.conftest import application

__all__ = ["application"]
