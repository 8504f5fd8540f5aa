"""h20: one transaction of a million rows is followed in bounded memory."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from capture.test_log import installed
from marea.config.load import load
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import logged
from marea.engine.entity.systems import Systems
from worlds import World, copied

pytestmark = [pytest.mark.integration, pytest.mark.soak]

ROWS = 1_000_000
MOST = 60 << 20
"""Bytes: of a page of names, and of what the driver holds of the stream."""


def test_h20_a_transaction_of_a_million_rows_is_followed_in_bounded_memory(
    postgresql_url: str, tmp_path: Path
) -> None:
    entity = copied("many", "id", "name").replace("system: erp,", "system: erp, capture: log,")
    world = World(postgresql_url, f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, entity)
    world.erp("CREATE TABLE many (id integer PRIMARY KEY, name varchar(40), modified timestamp)")
    installed(world)
    settings = load(world.file)
    systems = Systems(settings)
    try:
        alignment = Alignment(settings, settings.entities["many"], systems)
        log = logged(alignment)
        log.keep(None)
        world.erp(f"INSERT INTO many SELECT n, 'Name ' || n, now() FROM generate_series(1, {ROWS}) AS n")
        _ = alignment.aggregate
        tracemalloc.start()
        begun, noted, within = time.perf_counter(), 0, 0
        with alignment.source.snapshot() as reader:
            for page in log.pages(reader, None, 10_000):
                noted += sum(map(len, page.noted.values()))
                within += page.position is None
        seconds, (_, most) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        systems.close()
    print(f"{ROWS / seconds:,.0f} rows a second, {most >> 20} MiB at most")
    assert noted == ROWS
    assert within == ROWS // 10_000
    assert most < MOST
