"""Owns the faults that connectors find in options of systems, in a file that has other faults.

A file that is sound as it is written becomes settings, and its options are judged with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from marea.config import addresses
from marea.config.declared import found
from marea.config.loose import mapping
from marea.config.mistake import Mistake, placed
from marea.config.secrets import Secrets
from marea.config.tree import Document
from marea.errors import Fault

OWN = frozenset({"url", "connector", "maintenance"})
"""Keys of a system that are not its connector's."""


def faults(document: Document, secrets: Secrets, others: Sequence[Fault]) -> Iterator[Fault]:
    """What is wrong with options that are not among the `others` already; opens nothing."""
    told = {fault.field for fault in others}
    for name, system in mapping(mapping(document.values).get("systems")).items():
        path = ("systems", name)
        options = {
            key: value
            for key, value in mapping(system).items()
            if key not in OWN and not any(_within(field, f"systems.{name}.{key}") for field in told)
        }
        written = document.below(path)
        for said in _said(mapping(system), options, replace(secrets, standing_in=True)):
            place, text = placed(said, written)
            yield document.fault((*path, *place.split(".")) if place else path, text)


def _within(field: str, place: str) -> bool:
    return f"{field}.".startswith(f"{place}.")


def _said(system: dict[str, Any], options: dict[str, Any], secrets: Secrets) -> list[str]:
    """What its connector says; of a system that none can be found for nothing."""
    url, named = system.get("url"), system.get("connector")
    if not isinstance(url, str) or not isinstance(named, str | None):
        return []
    try:
        connector = addresses.connector(secrets.fill_url(url).partition("?")[0], named)
        return list(found(connector)().validate(secrets.fill_all(options)))
    except Mistake:
        return []
