"""The limit of a scan as a process of its own: `raw_digest.py SOURCE` has the server hash every row once."""

import sys

import psycopg

TABLE = "ma_custsupp"


def main(source: str) -> None:
    """One pass over the table, its result one number."""
    with psycopg.connect(source) as connection:
        [total] = connection.execute(f"SELECT sum(hash_record_extended(t.*, 0)) FROM {TABLE} t").fetchone()
    print(total)


if __name__ == "__main__":
    main(*sys.argv[1:])
