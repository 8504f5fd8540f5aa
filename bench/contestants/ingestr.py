"""Owns ingestr as a contestant: merge by key, the caller passing the interval."""

from __future__ import annotations

from bench.contestants.base import Contestant, said
from bench.data import KEY, STAMP, TABLE
from bench.measure import Command


class Ingestr(Contestant):
    """The Go program of the `ingestr` wheel."""

    name = "ingestr"
    requirements = "ingestr.txt"

    def version(self) -> str:
        return said(self.environment / "bin" / "ingestr", "--version").removeprefix("ingestr version ")

    def command(self, since: str | None) -> Command:
        keys = [part for column in KEY for part in ("--primary-key", column)]
        interval = ["--interval-start", since.replace(" ", "T") + "Z"] if since else []
        return self.made(
            *(self.environment / "bin" / "ingestr", "ingest", "--yes", "--progress", "log"),
            *("--source-uri", self.place.source, "--source-table", f"public.{TABLE}"),
            *("--dest-uri", self.place.target, "--dest-table", f"public.{TABLE}"),
            *("--incremental-strategy", "merge", *keys, "--incremental-key", STAMP, *interval),
            environment={"DISABLE_TELEMETRY": "true", "INGESTR_DISABLE_TELEMETRY": "true", "TZ": "UTC"},
        )
