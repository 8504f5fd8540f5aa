"""Payloads come back letter by letter, however they lie in memory."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from marea.store.sqlite import LARGEST, SqliteDatabase

pytestmark = pytest.mark.unit


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    opened = SqliteDatabase(str(tmp_path / "state.db"))
    opened.migrate()
    return opened


def appended(database: SqliteDatabase, first: int, bodies: pa.ChunkedArray) -> list[str | None]:
    with database.transaction():
        database.append_payloads(first, bodies)
    ids = pa.array(range(first, first + len(bodies)), pa.int64())
    return [row[0] for row in database.match("payloads", ids)]


def test_any_text_in_any_chunk_comes_back(database: SqliteDatabase) -> None:
    texts = ["{}", "", "Città 🏙", "a\x00b", '"', "x" * 100_000, "ok"]
    lying = pa.chunked_array(
        [pa.array(["left out", *texts[:3]]).slice(1), pa.array([], pa.string()), texts[3:]]
    )
    assert appended(database, 1 << 32, lying) == texts


def test_more_than_one_blob_takes_goes_in_parts(database: SqliteDatabase) -> None:
    texts = ["a" * (LARGEST // 2), "b" * (LARGEST // 2), "c" * 10]
    assert appended(database, 5, pa.chunked_array([texts])) == texts


def test_nothing_is_nothing(database: SqliteDatabase) -> None:
    assert appended(database, 5, pa.chunked_array([[]], pa.string())) == []
