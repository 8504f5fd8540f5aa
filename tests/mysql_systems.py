"""Owns the entry of a MariaDB system as a configuration would hold it."""

from __future__ import annotations

from marea.config.settings import SystemSettings


def system(url: str, **options: object) -> SystemSettings:
    """The system `erp` at a url."""
    return SystemSettings("erp", "mysql", url, options)
