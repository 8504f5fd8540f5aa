"""Owns dlt as a contestant, at its fastest: connectorx reads Arrow, parquet is loaded, upsert merges."""

from __future__ import annotations

import shutil

from bench.contestants.base import PROCESSES, Peer, Stream, said
from bench.measure import Command

PROCESS = PROCESSES / "dlt_upsert.py"


class Dlt(Peer):
    """`dlt_upsert.py` in an environment of its own."""

    name = "dlt"
    requirements = "dlt.txt"

    def version(self) -> str:
        code = "import importlib.metadata as m; print(m.version('dlt'))"
        return said(self.environment / "bin" / "python", "-c", code)

    def reset(self) -> None:
        """Forgets what dlt remembers beside the target: with it a first load brings what is new alone."""
        for name in ("data", "pipelines"):
            shutil.rmtree(self.place.folder / name, ignore_errors=True)

    def synchronize(self, stream: Stream, since: str | None) -> Command:
        target = self.place.target.replace("@", ":none@")  # it insists on a password
        return self.made(
            *(self.environment / "bin" / "python", PROCESS, self.place.source, target),
            *(stream.source, stream.target, ",".join(stream.key), stream.stamp),
            environment={
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "DLT_DATA_DIR": str(self.place.folder / "data"),
                "PIPELINES_DIR": str(self.place.folder / "pipelines"),
                "TZ": "UTC",
            },
        )
