"""Owns Marea as an entrant, once for each of its captures."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.contestants.base import Absent, Place, said
from bench.contestants.marea import PROGRAM
from bench.loss.entrants import Entrant
from bench.loss.facts import AGGREGATES
from bench.loss.hazards import Trace
from bench.measure import Command

CAPTURES = ("watermark", "scan", "xmin", "trigger", "log")
INSTALLED = ("trigger", "log")
"""What needs something in the source, which an administrator puts there."""

ALL = frozenset(Trace)
PROMISED = {
    "watermark": frozenset({Trace.DATED}),
    "scan": ALL,
    "xmin": frozenset({Trace.DATED, Trace.UNDATED}),
    "trigger": ALL,
    "log": ALL,
}
"""What a run by a capture finds; the scan that backs it finds the rest."""

ENTITY = "parties"


class Marea(Entrant):
    """`marea sync` with its defaults and a state in SQLite; a party is delivered with its addresses."""

    shape = AGGREGATES

    def __init__(self, capture: str, place: Place) -> None:
        super().__init__(f"marea-{capture}", place)
        self.capture = capture

    def prepare(self) -> str:
        (self.place.folder / "marea.yaml").write_text(json.dumps(self._configuration(), indent=2))
        if self.capture in INSTALLED:
            self._said("capture", "install", ENTITY)
        self._refuse_another()
        return said(PROGRAM, "--version")

    def commands(self) -> Sequence[Command]:
        return [self.made("sync", "--json")]

    def backing(self) -> Command | None:
        """The scan that finds what the capture does not promise; None where it promises all."""
        return None if PROMISED[self.capture] == ALL else self.made("scan", "--json")

    def made(self, *arguments: str) -> Command:
        """A command of Marea in its folder."""
        return Command([str(PROGRAM), *arguments], {}, self.place.folder)

    def _said(self, *arguments: str) -> str:
        return said(PROGRAM, "-c", self.place.folder / "marea.yaml", *arguments)

    def _refuse_another(self) -> None:
        """Whether it is this capture that `marea check` says will be used. Raises Absent."""
        report = json.loads(self._said("check", "--json"))
        used = {table["capture"] for entity in report["entities"].values() for table in entity["tables"]}
        if used != {self.capture}:
            raise Absent(f"`marea check` says that it uses {', '.join(sorted(used))} instead")

    def _configuration(self) -> dict[str, object]:
        """As JSON, which YAML holds."""
        addresses = {
            "table": "address",
            "on": {"party": "code"},
            "modified": "stamp",
            "many": True,
            "order": "id",
        }
        parties = {
            "system": "erp",
            "table": "party",
            "key": "code",
            "modified": "stamp",
            "where": "NOT closed",
            "capture": self.capture,
            "related": {"addresses": addresses},
        }
        lines = {"list": "addresses", "fields": {name: name for name in ("id", "city", "stamp")}}
        fields = {name: name for name in ("code", "name", "credit", "stamp")}
        return {
            "version": 1,
            "systems": {"erp": {"url": self.place.source}, "crm": {"url": self.place.target}},
            "entities": {
                ENTITY: {
                    "source": parties,
                    "target": {"system": "crm", "object": "party", "key": "code", "create": True},
                    "fields": fields | {"addresses": lines},
                }
            },
        }
