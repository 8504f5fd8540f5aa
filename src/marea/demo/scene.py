"""Owns the scene of the story: a folder with the ERP, the CRM in its own process, and Marea's commands."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from marea.demo.crm import TOKEN
from marea.demo.crm_process import CrmProcess
from marea.demo.erp import Erp, Value
from marea.demo.expected import differences, expected
from marea.demo.rows import Size
from marea.demo.teller import Teller

_ADDRESS = "http://127.0.0.1:8800"  # as the template has it

Counts = Mapping[str, Mapping[str, int]]
"""Object -> what became of its records -> how many."""


class Scene:
    """Both systems and Marea between them; leaving the context stops the CRM and closes the ERP."""

    def __init__(self, folder: Path, size: Size, teller: Teller) -> None:
        self.folder = folder
        self.size = size
        self.teller = teller
        self.erp = Erp.create(folder / "erp.db", size)
        self.crm = CrmProcess(folder / "crm.db", token=TOKEN)
        (folder / "crm.token").write_text(TOKEN, "utf-8")
        template = resources.files("marea.demo").joinpath("data", "marea.yaml").read_text("utf-8")
        (folder / "marea.yaml").write_text(template.replace(_ADDRESS, self.crm.address), "utf-8")

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.crm.stop()
        self.erp.close()

    # -- what people do ----------------------------------------------------------------------

    def edit(self, sql: str, values: Mapping[str, Value] | None = None, who: str = "erp") -> int:
        """A change in the ERP, shown as it is; gives the rows changed."""
        rows = self.erp.execute(sql, values)
        shown = sql
        for name, value in (values or {}).items():
            shown = shown.replace(f":{name}", str(value) if isinstance(value, int) else f"'{value}'")
        self.teller.edit(who, shown, rows)
        return rows

    def marea(self, *words: str, exits: int = 0, because: str = "all was delivered") -> None:
        """A command as a user types it, with what it prints; its exit code is checked."""
        done = self._run(words)
        self.teller.output(done.stdout + done.stderr)
        self.teller.check(f"exit code {exits}: {because}", exits, done.returncode)

    def ask(self, *words: str) -> Any:
        """What a command answers to a program: the JSON document on its standard output."""
        done = self._run((*words, "--json"))
        if done.returncode:
            self.teller.output(done.stderr)
        return json.loads(done.stdout)

    def _run(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        self.teller.command(" ".join(("marea", *map(_typed, words))))
        program = [sys.executable, "-m", "marea", *words]
        environment = {**os.environ, "COLUMNS": "100", "MAREA_CONFIG": "marea.yaml", "PYTHONUTF8": "1"}
        return subprocess.run(  # noqa: S603 - our own program
            program, cwd=self.folder, env=environment, capture_output=True, encoding="utf-8", check=False
        )

    # -- what is proved ----------------------------------------------------------------------

    def forget_calls(self) -> None:
        """Let the CRM count its calls from here."""
        self.crm.ask("DELETE", "/admin/calls")

    def changed(self) -> Counts:
        """What the CRM did to its records since, by its own count."""
        found: Counts = self.crm.ask("GET", "/admin/calls")["records"]
        return found

    def writes(self) -> int:
        """How often the CRM was called since, by its own count."""
        return int(sum(self.crm.ask("GET", "/admin/calls")["calls"].values()))

    def prove_equal(self) -> None:
        """Check that the CRM, read back record by record, holds what the ERP's rows amount to."""
        wanted = expected(self.erp)
        texts = [
            f"{name}: {text}"
            for name, records in wanted.items()
            for text in differences(records, {record["code"]: record for record in self.crm.records(name)})
        ]
        total = sum(len(records) for records in wanted.values())
        self.teller.same(f"read back, all {total:,} records of the CRM equal the ERP, field by field", texts)


def _typed(word: str) -> str:
    """A word as people type it in a shell."""
    return f'"{word}"' if "'" in word and '"' not in word else shlex.quote(word)
