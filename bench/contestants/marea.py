"""Owns Marea as a contestant: every field goes through an expression, ledger and journal are on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.compare import Pair
from bench.contestants.base import Contestant, said, same
from bench.data import COLUMNS, KEY, STAMP, TABLE
from bench.measure import Command

PROGRAM = Path(sys.executable).with_name("marea")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A field: its expression for Marea, and what the target must then hold."""

    expression: str
    pair: Pair


MAPPED = {
    "companyname": Mapped("trim(companyname)", Pair("trim(companyname)", "companyname")),
    "city": Mapped("upper(city)", Pair("upper(city)", "city")),
    "email": Mapped("nullif(lower(email), '')", Pair("nullif(lower(email), '')", "email")),
    "disabled": Mapped("disabled = '1'", Pair("(disabled = '1')::text", "disabled::boolean::text")),
    "contactperson": Mapped(
        "coalesce(contactperson, '') || ' (' || isocountrycode || ')'",
        Pair("coalesce(contactperson, '') || ' (' || isocountrycode || ')'", "contactperson"),
    ),
}
"""The fields that are not taken over as they are."""


class Marea(Contestant):
    """`marea sync` with its defaults and a state in SQLite."""

    name = "marea"
    jobs = "ABCDES"

    def version(self) -> str:
        return said(PROGRAM, "--version")

    def reset(self) -> None:
        for file in self.place.folder.glob("marea*.db*"):
            file.unlink()
        (self.place.folder / "marea.yaml").write_text(self._configuration())

    def command(self, since: str | None) -> Command:
        return self.made(PROGRAM, "sync", "--json")

    def scan(self) -> Command:
        return self.made(PROGRAM, "scan", "--json")

    def problem(self, output: str, changed: int) -> str:
        books = json.loads(output)["entities"]["customers"]
        applied = books["created"] + books["updated"]
        return "" if applied == changed else f"{applied} records applied instead of {changed}"

    def pairs(self) -> Sequence[Pair]:
        return [
            MAPPED[column.name].pair if column.name in MAPPED else same(column.name, column.type)
            for column in COLUMNS
        ]

    def _configuration(self) -> str:
        fields = {
            column.name: MAPPED[column.name].expression if column.name in MAPPED else column.name
            for column in COLUMNS
        }
        return json.dumps(
            {
                "version": 1,
                "systems": {"erp": {"url": self.place.source}, "crm": {"url": self.place.target}},
                "entities": {
                    "customers": {
                        "source": {"system": "erp", "table": TABLE, "key": list(KEY), "modified": STAMP},
                        "target": {"system": "crm", "object": TABLE, "key": list(KEY), "create": True},
                        "fields": fields,
                    }
                },
            },
            indent=2,
        )  # YAML holds JSON
