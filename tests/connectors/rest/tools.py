"""Owns what the REST tests make and read: targets, shapes, batches, receipts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from marea.config.settings import SystemSettings
from marea.connectors.rest import RestConnector
from marea.connectors.rest.retry import Policy
from marea.connectors.rest.target import RestTarget
from marea.model import Operation
from marea.ports import CHANGES, KEY, OPERATION, PAYLOAD, TARGET_ID, Receipt, Shape

QUICK = Policy(first=0.0)
"""Tries as often as the real one, without waiting."""

OWN_IDS: dict[str, Any] = {
    "create": {"method": "POST", "path": "/v2/{object}"},
    "update": {"method": "POST", "path": "/v2/{object}/{id}"},
    "find": {"method": "GET", "path": "/v2/{object}?external_id={key}", "items": "items"},
    "delete": {"method": "DELETE", "path": "/v2/{object}/{id}"},
}
"""The demo CRM's own-id face."""

BATCH: dict[str, Any] = {
    "path": "/{object}/batch",
    "size": 100,
    "wrap": "records",
    "results": "results",
    "key": "code",
}
"""The demo CRM's batches."""


class Targets:
    """Makes targets and remembers them."""

    def __init__(self) -> None:
        self._made: list[RestTarget] = []

    def at(self, address: str, policy: Policy = QUICK, **options: Any) -> RestTarget:
        """A target of that url and these options."""
        target = RestConnector(policy).target(SystemSettings("crm", "rest", address, options))
        assert isinstance(target, RestTarget)
        self._made.append(target)
        return target

    def crm(self, address: str, policy: Policy = QUICK, **options: Any) -> RestTarget:
        """A target of a demo CRM."""
        return self.at(f"{address}/api", policy, **{"auth": {"bearer": "demo"}, **options})

    def close(self) -> None:
        for target in self._made:
            target.close()


def shape(name: str = "accounts", key: Sequence[str] = ("code",), **options: Any) -> Shape:
    """A shape whose key fields are texts."""
    return Shape(name, name, tuple(key), pa.schema([(field, pa.string()) for field in key]), options)


def batch(
    shape: Shape,
    rows: Sequence[Mapping[str, Any]],
    operation: Operation = Operation.CREATE,
    ids: Sequence[str | None] = (),
) -> pa.Table:
    """A batch of one operation; a row's own `$operation` wins, and it has the `$changes` it names."""
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in shape.key}
    beside = (OPERATION, CHANGES)
    bodies = [{name: value for name, value in row.items() if name not in beside} for row in rows]
    columns |= {
        KEY: pa.array([json.dumps(row.get(shape.key[0])) for row in rows], pa.string()),
        OPERATION: pa.array([str(row.get(OPERATION, operation)) for row in rows], pa.string()),
        TARGET_ID: pa.array(list(ids) or [None] * len(rows), pa.string()),
        PAYLOAD: pa.array([json.dumps(body, ensure_ascii=False) for body in bodies], pa.string()),
        CHANGES: pa.array([row.get(CHANGES) for row in rows], pa.string()),
    }
    return pa.table(columns)


def accounts(*codes: str, **more: Any) -> list[dict[str, Any]]:
    """Records of `accounts`."""
    return [{"code": code, "name": f"name {code}", **more} for code in codes]


def codes(receipt: Receipt) -> dict[int, str]:
    """Row -> code of what was rejected."""
    return {row: problem.code for row, problem in receipt.rejected.items()}


def ids(receipt: Receipt) -> list[str | None]:
    """The target ids."""
    assert receipt.target_ids is not None
    found: list[str | None] = receipt.target_ids.to_pylist()
    return found
