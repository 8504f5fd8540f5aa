"""Owns what the captures go by in the state and in the configuration."""

from __future__ import annotations

WATERMARK = "watermark"
SCAN = "scan"
XMIN = "xmin"
TRIGGER = "trigger"
LOG = "log"
