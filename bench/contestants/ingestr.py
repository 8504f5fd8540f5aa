"""Owns ingestr as a contestant: merge by key, the caller passing the interval."""

from __future__ import annotations

from bench.contestants.base import Peer, Stream, said
from bench.measure import Command


class Ingestr(Peer):
    """The Go program of the `ingestr` wheel."""

    name = "ingestr"
    requirements = "ingestr.txt"

    def version(self) -> str:
        return said(self.environment / "bin" / "ingestr", "--version").removeprefix("ingestr version ")

    def synchronize(self, stream: Stream, since: str | None) -> Command:
        keys = [part for column in stream.key for part in ("--primary-key", column)]
        interval = ["--interval-start", since.replace(" ", "T") + "Z"] if since else []
        return self._made(
            *("--source-uri", self.place.source, "--source-table", f"public.{stream.source}"),
            *("--dest-table", f"public.{stream.target}"),
            *(*keys, "--incremental-key", stream.stamp, *interval),
        )

    def by_log(self, publication: str) -> Command:
        """What to run for the tables of a publication by logical replication, the first time or again."""
        source = self.place.source.replace("postgresql://", "postgres+cdc://")
        return self._made("--source-uri", f"{source}?publication={publication}")

    def _made(self, *arguments: object) -> Command:
        return self.made(
            *(self.environment / "bin" / "ingestr", "ingest", "--yes", "--progress", "log"),
            *("--dest-uri", self.place.target, "--incremental-strategy", "merge", *arguments),
            environment={"DISABLE_TELEMETRY": "true", "INGESTR_DISABLE_TELEMETRY": "true", "TZ": "UTC"},
        )
