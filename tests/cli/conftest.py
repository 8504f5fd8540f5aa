"""Owns a small project with a story behind it, and the command line as a test calls it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from marea.cli.main import run
from worlds import ENTITIES, World, write_project

OLD = "2020-01-01 00:00:00"
LATER = "2021-01-01 00:00:00"  # long ago, so that no run reads it twice


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Marea = Callable[..., Done]


@pytest.fixture
def marea(capsys: pytest.CaptureFixture[str]) -> Marea:
    """`marea("sync", "--json")`, in this process through the real entry."""

    def call(*words: str) -> Done:
        capsys.readouterr()
        code = run(words)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@dataclass(frozen=True)
class Shop:
    """A folder with erp.db, crm.db and marea.yaml, which is the working directory."""

    folder: Path

    def erp(self, text: str) -> list[tuple[object, ...]]:
        """SQL in the ERP."""
        return run_sql(f"sqlite:///{self.folder}/erp.db", text)

    def crm(self, text: str) -> list[tuple[object, ...]]:
        """SQL in the CRM."""
        return run_sql(f"sqlite:///{self.folder}/crm.db", text)

    def configure(self, old: str, new: str) -> None:
        """Another text in the configuration."""
        file = self.folder / "marea.yaml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")


def _settled(folder: Path) -> None:
    """Twelve customers delivered; then one changed, one spoiled, one sent waiting, one new."""
    folder.mkdir()
    world = World(f"sqlite:///{folder}/erp.db", f"sqlite:///{folder}/crm.db", folder)
    write_project(folder, ENTITIES)
    world.fill(12)
    world.sync()
    for change in ("credit = credit + 1|00000", "name = ' '|00001", "tax = '98'|00003"):
        assignment, code = change.split("|")
        world.erp(f"UPDATE customers SET {assignment}, modified = '{LATER}' WHERE code = '{code}'")
    world.erp(f"INSERT INTO customers VALUES (1, 'N1', '=1+1', '22', 1, '{LATER}')")
    world.erp(f"INSERT INTO customers VALUES (2, 'S1', 'A supplier', '22', 1, '{LATER}')")
    world.sync()
    # After the last run: one without its date, one that nobody has seen yet.
    world.erp("UPDATE customers SET name = 'By SQL' WHERE code = '00006'")
    world.erp(f"INSERT INTO customers VALUES (1, 'N2', 'Late', '22', 1, '{OLD}')")


@pytest.fixture(scope="session")
def _original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "original"
    _settled(folder)
    return folder


@pytest.fixture
def shop(_original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A project after two runs: customer 1,00001 is rejected, 1,00003 waits for tax code 98."""
    folder = tmp_path / "shop"
    shutil.copytree(_original, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MAREA_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Shop(folder)


@pytest.fixture
def fresh(shop: Shop) -> Shop:
    """The same sources, but nothing was ever synchronized."""
    for file in [*shop.folder.glob("marea.db*"), *shop.folder.glob("crm.db*")]:
        file.unlink()
    return shop
