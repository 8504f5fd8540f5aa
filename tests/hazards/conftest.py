"""Owns the fixtures of the hazard tests: those of the command line and of an application over HTTP."""

from __future__ import annotations

from cli.conftest import marea
from connectors.rest.conftest import application, crm, crm_process, targets

__all__ = ["application", "crm", "crm_process", "marea", "targets"]
