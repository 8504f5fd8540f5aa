"""Owns how fast a REST target is: its calls beside what concurrency and the application's latency allow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import pyarrow as pa

from bench.contestants.base import PROCESSES
from marea.config.settings import SystemSettings
from marea.connectors.rest import RestConnector
from marea.model import Operation
from marea.ports import CHANGES, KEY, OPERATION, PAYLOAD, TARGET_ID, Shape

LATENCY = 0.02
SECONDS = 4
"""How long a measurement would take if nothing but latency took time."""
SHAPE = Shape("accounts", "accounts", ("code",), pa.schema([("code", pa.string())]))


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls of `records` records each, `concurrency` at once."""

    concurrency: int
    records: int
    calls_a_second: float

    @property
    def limit(self) -> float:
        """Calls a second if nothing but latency took time."""
        return self.concurrency / LATENCY

    @property
    def share(self) -> float:
        """How much of the limit was reached."""
        return self.calls_a_second / self.limit

    @property
    def what(self) -> str:
        """The measurement in words."""
        kind = "one record" if self.records == 1 else f"{self.records} records"
        return f"REST {self.concurrency} x {kind}"


def paces() -> Iterator[Pace]:
    """Every measurement, one after the other."""
    with _application() as address:
        for concurrency in (1, 8, 32):
            yield _measured(address, concurrency, 1)
        yield _measured(address, 8, 500)


def _measured(address: str, concurrency: int, records: int) -> Pace:
    options: dict[str, object] = {"concurrency": concurrency}
    if records > 1:
        options["batch"] = {"path": "/{object}/batch", "size": records}
    calls = round(SECONDS * concurrency / LATENCY)
    target = RestConnector().target(SystemSettings("crm", "rest", address, options))
    try:
        target.deliver(SHAPE, _batch(concurrency * records))  # connections are made before
        batch = _batch(calls * records)
        started = perf_counter()
        receipt = target.deliver(SHAPE, batch)
        took = perf_counter() - started
    finally:
        target.close()
    if receipt.rejected or receipt.deferred:
        raise RuntimeError(f"{len(receipt.rejected)} rejected, {len(receipt.deferred)} deferred")
    return Pace(concurrency, records, calls / took)


def _batch(rows: int) -> pa.Table:
    codes = [f"{row:08d}" for row in range(rows)]
    return pa.table(
        {
            KEY: [f'"{code}"' for code in codes],
            OPERATION: pa.array([Operation.CREATE.value] * rows),
            TARGET_ID: pa.nulls(rows, pa.string()),
            CHANGES: pa.nulls(rows, pa.string()),
            PAYLOAD: [json.dumps({"code": code, "text": "x" * 300}) for code in codes],
            "code": codes,
        }
    )


@contextmanager
def _application() -> Iterator[str]:
    command = [sys.executable, str(PROCESSES / "waiting_application.py"), str(LATENCY)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()
