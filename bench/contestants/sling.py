"""Owns sling as a contestant: incremental mode with key and update key, its own bookkeeping."""

from __future__ import annotations

import stat

from bench.contestants.base import Absent, Peer, Stream, said
from bench.measure import Command


class Sling(Peer):
    """The Go program of the `sling-linux-amd64` wheel, run directly: the `sling` wheel only wraps it."""

    name = "sling"
    requirements = "sling.txt"

    def version(self) -> str:
        found = list(self.environment.glob("lib/*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"))
        if not found:
            raise Absent("its wheel has no program for this machine")
        self._program = found[0]
        self._program.chmod(self._program.stat().st_mode | stat.S_IXUSR)
        return said(self._program, "--version").removeprefix("Version: ")

    def synchronize(self, stream: Stream, since: str | None) -> Command:
        return self.made(
            *(self._program, "run", "--mode", "incremental"),
            *("--src-conn", "SOURCE", "--src-stream", f"public.{stream.source}"),
            *("--tgt-conn", "TARGET", "--tgt-object", f"public.{stream.target}"),
            *("--primary-key", ",".join(stream.key), "--update-key", stream.stamp),
            environment={
                "SOURCE": f"{self.place.source}?sslmode=disable",
                "TARGET": f"{self.place.target}?sslmode=disable",
                "SLING_HOME_DIR": str(self.place.folder / "home"),
                "SLING_DISABLE_TELEMETRY": "TRUE",
            },
        )
