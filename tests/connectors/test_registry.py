"""Connectors are found by name, at once, and as pyproject.toml says."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from marea.connectors import registry
from marea.connectors.postgresql import PostgresqlConnector
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_table_is_what_pyproject_declares() -> None:
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"][registry.GROUP]
    assert declared == registry.BUILT_IN


def test_a_built_in_connector_is_found_without_looking_at_the_installed_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_installed", lambda: pytest.fail("scanned the installed packages"))
    assert isinstance(registry.connector("postgresql"), PostgresqlConnector)


def test_a_connector_that_is_installed_needs_nothing_of_ours_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_marea.py").write_text("class AcmeConnector:\n    pass\n")
    metadata = tmp_path / "acme_marea-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-marea\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[marea.connectors]\nacme = acme_marea:AcmeConnector\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert type(registry.connector("acme")).__name__ == "AcmeConnector"
    assert set(registry.names()) == {*registry.BUILT_IN, "acme"}


def test_an_unknown_one_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match='did you mean "postgresql"'):
        registry.connector("postgres")


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, marea.connectors.registry as r; r.connector('postgresql'); r.connector('sqlite');"
        "print([m for m in ('pyarrow', 'psycopg', 'apsw', 'adbc_driver_manager') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_source_is_ready_without_what_only_rows_and_targets_need() -> None:
    code = (
        "import sys, marea.connectors.postgresql.source;"
        "print([m for m in ('pyarrow.compute', 'pyarrow.dataset', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
