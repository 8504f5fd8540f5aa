"""dlt as a process of its own: `dlt_upsert.py SOURCE TARGET TABLE AS KEY STAMP`; in dlt's own environment."""

import os
import sys

import dlt
from dlt.sources.sql_database import sql_table


def main(source: str, target: str, name: str, becomes: str, key: str, stamp: str) -> None:
    """One run of the pipeline; dlt keeps the newest date it has seen in its own state."""
    table = sql_table(
        credentials=source.replace("postgresql://", "postgresql+psycopg2://"),
        table=name,
        schema="public",
        incremental=dlt.sources.incremental(stamp),
        backend="connectorx",
        backend_kwargs={"conn": source, "return_type": "arrow_stream"},
        primary_key=key.split(","),
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=os.environ["PIPELINES_DIR"],
        destination=dlt.destinations.postgres(target),
        dataset_name="public",
    )
    pipeline.run(table, table_name=becomes, loader_file_format="parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
