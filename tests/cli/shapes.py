"""Owns the shapes of the documents as docs/commands.md promises them to programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

OUTCOMES = ("created", "updated", "deleted", "unchanged", "rejected", "waiting", "deferred", "held")


def check_counts(counts: dict[str, Any], *more: str) -> None:
    """Counts of an entity whose books balance."""
    assert set(counts) == {"detected", *OUTCOMES, "skipped", *more}
    assert all(type(counts[name]) is int for name in ("detected", *OUTCOMES))
    assert all(type(number) is int for number in counts["skipped"].values())
    assert counts["detected"] == sum(counts[name] for name in OUTCOMES)


def check_run(document: dict[str, Any]) -> None:
    """What `marea sync --json` prints."""
    assert list(document) == ["run", "kind", "status", "seconds", "left", "by_key", "entities"]
    assert isinstance(document["run"], str)
    assert document["kind"] in ("incremental", "full")
    assert document["status"] in ("succeeded", "partial", "interrupted", "failed")
    assert type(document["seconds"]) is float
    for counts in document["entities"].values():
        check_counts(counts, "seconds")


def check_entry(entry: dict[str, Any]) -> None:
    """One element of what `marea log --json` prints."""
    assert list(entry) == [
        "run", "at", "entity", "key", "operation", "outcome", "cause", "changes", "target_id", "attempt",
        "code", "error", "duration_ms",
    ]  # fmt: skip
    assert isinstance(entry["run"], str)
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None
    assert isinstance(entry["key"], str | int | list)
    assert entry["operation"] in ("create", "update", "delete", "none")
    assert entry["outcome"] in OUTCOMES
    assert all(len(pair) == 2 for pair in entry["changes"].values())
