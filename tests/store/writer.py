"""Commits batch after batch until it is killed: `python writer.py URL SIZE`; prints a line after each."""

from __future__ import annotations

import sys

import pyarrow as pa

from marea.model import Outcome, RunKind
from marea.store.commit import Commit, Move
from marea.store.owner import current_owner
from marea.store.state import open_state

NOW = 1_700_000_000_000_000


def batch(number: int, size: int) -> pa.Table:
    keys = [str(key) for key in range(number * size, (number + 1) * size)]
    same = {
        "operation": "create",
        "outcome": "created",
        "cause": "first load",
        "fingerprint": 1,
        "form": 1,
    }
    columns = {name: pa.repeat(value, size) for name, value in same.items()}
    return pa.table({"key": keys, "payload": [f'{{"n":{key}}}' for key in keys], **columns})


def main(url: str, size: int) -> None:
    state = open_state(url)
    entity = state.entity("customers", "crm").id
    run = state.runs.begin(RunKind.FULL, "test", current_owner(), NOW)
    fence = state.leases.acquire(entity, current_owner(), NOW, 3600)
    number = 0
    while True:
        position = Move("watermark", str(number) if number else None, str(number + 1))
        rows, counts = batch(number, size), {Outcome.CREATED: size}
        detected = sum(counts.values())
        state.commit(
            Commit(entity, run, fence, NOW + number, rows, position, detected=detected, counts=counts)
        )
        number += 1
        print(number, flush=True)


main(sys.argv[1], int(sys.argv[2]))
