"""dlt as a process of its own: `dlt_upsert.py SOURCE TARGET`; runs in dlt's own environment."""

import os
import sys

import dlt
from dlt.sources.sql_database import sql_table

TABLE = "ma_custsupp"
KEY = ["custsupptype", "custsupp"]
STAMP = "tbmodified"


def main(source: str, target: str) -> None:
    """One run of the pipeline; dlt keeps the newest date it has seen in its own state."""
    table = sql_table(
        credentials=source.replace("postgresql://", "postgresql+psycopg2://"),
        table=TABLE,
        schema="public",
        incremental=dlt.sources.incremental(STAMP),
        backend="connectorx",
        backend_kwargs={"conn": source, "return_type": "arrow_stream"},
        primary_key=KEY,
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=os.environ["PIPELINES_DIR"],
        destination=dlt.destinations.postgres(target),
        dataset_name="public",
    )
    pipeline.run(table, loader_file_format="parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
