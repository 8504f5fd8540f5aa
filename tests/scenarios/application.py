"""Owns what an application with its own ids holds: the demo CRM, its records by the ERP's keys."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from marea.demo.crm_process import CrmProcess

Holding = dict[str, dict[str, Any]]

OPTIONS = {
    "auth": {"bearer": "demo"},
    "create": {"method": "POST", "path": "/{object}", "id": "id"},
    "update": {"method": "PUT", "path": "/{object}/{id}"},
    "delete": {"method": "DELETE", "path": "/{object}/{id}"},
    "find": {"method": "GET", "path": "/{object}?external_id={key}", "items": "items", "id": "id"},
}
"""How a configuration declares it."""


class Application:
    """A running demo CRM that gives ids of its own."""

    def __init__(self, crm: CrmProcess) -> None:
        self._crm = crm

    @property
    def url(self) -> str:
        """The url of its system in a configuration."""
        return f"{self._crm.address}/api/v2"

    def held(self, name: str) -> Holding:
        """The fields of all records of an object, by their external id."""
        return {
            str(record["external_id"]): {k: v for k, v in record.items() if k not in ("id", "external_id")}
            for record in self._records(name)
        }

    def keys(self, name: str) -> dict[str, str]:
        """The external id of each of its own ids."""
        return {str(record["id"]): str(record["external_id"]) for record in self._records(name)}

    def _records(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while after is not None:
            page = parsed(json.dumps(self._crm.ask("GET", f"/api/v2/{name}?limit=1000&after={after}")))
            found += page["items"]
            after = page["next"]
        return found


def parsed(text: object) -> Any:
    """JSON with its numbers as they are written."""
    return json.loads(str(text), parse_float=Decimal)
