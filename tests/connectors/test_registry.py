"""Connectors are found by name, at once; one more is a folder, a line, a suite and a page, no more."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from marea.config import addresses, declared
from marea.config.mistake import Mistake
from marea.connectors import registry
from marea.errors import ConfigurationError

HOME = Path(__file__).parents[2]
FOLDER = HOME / "src/marea/connectors"
BUILT_IN = sorted(folder.parent.name for folder in FOLDER.glob("*/__init__.py"))
WITHOUT_SERVER = {"mssql": "no SQL Server is at hand: tests/connectors/test_mssql.py reads its SQL"}


@pytest.mark.unit
@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_connector_is_found_by_its_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda **_: pytest.fail("scanned what is installed")
    )
    assert type(registry.connector(name)).__name__ == declared.class_name(name)
    for scheme in declared.declared(name).schemes:
        assert addresses.connector(f"{scheme}://h/d", None) == name


@pytest.mark.unit
def test_no_scheme_chooses_two() -> None:
    schemes = [scheme for name in BUILT_IN for scheme in declared.declared(name).schemes]
    assert len(schemes) == len(set(schemes))


@pytest.mark.unit
def test_each_has_an_entry_point_like_those_of_any_package() -> None:
    points = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["entry-points"][declared.GROUP]
    assert points == {name: f"marea.connectors.{name}:{declared.class_name(name)}" for name in points}
    assert sorted(points) == BUILT_IN


@pytest.mark.unit
@pytest.mark.parametrize("name", BUILT_IN)
def test_each_has_its_contract_suites(name: str) -> None:
    found = _suites(name)
    roles = {"TargetContract"} if name == "rest" else {"SourceContract", "SqlTargetContract"}
    assert found == {"ConnectorContract", *(() if name in WITHOUT_SERVER else roles)}


def _suites(name: str) -> set[str]:
    """The contract suites that the tests of a connector subclass."""
    folder = HOME / "tests/connectors"
    files = [*folder.glob(f"test_{name}.py"), *(folder / name).glob("test_*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    bases = {ast.unparse(base) for node in nodes if isinstance(node, ast.ClassDef) for base in node.bases}
    return {base for base in bases if base.endswith("Contract")}


@pytest.mark.unit
@pytest.mark.parametrize("name", BUILT_IN)
def test_each_has_its_place_on_the_page(name: str) -> None:
    page = (HOME / "docs/connectors.md").read_text("utf-8")
    row = re.search(rf"^\| `{name}` \|.*", page, re.MULTILINE)
    assert row is not None
    assert all(f"`{scheme}://" in row[0] for scheme in declared.declared(name).schemes)


@pytest.mark.unit
@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_else_names_it(name: str) -> None:
    """Neither the program nor the rules of its layers: whoever adds a connector edits neither."""
    own = FOLDER / name
    files = [file for file in (HOME / "src").rglob("*.py") if own not in file.parents]
    naming = [file.name for file in files if f"marea.connectors.{name}" in file.read_text("utf-8")]
    assert naming == []
    lint = (HOME / "pyproject.toml").read_text().partition("[tool.importlinter]")[2]
    assert f"marea.connectors.{name}" not in lint


ACME = """
from marea.config.declared import Declaration

class AcmeConnector:
    declares = Declaration(("acme",), named=("https",))

    def validate(self, options):
        return []
"""


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A copy of the program with one folder more among its connectors."""
    shutil.copytree(HOME / "src/marea", tmp_path / "marea", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME / "pyproject.toml", tmp_path)
    (tmp_path / "marea/connectors/acme").mkdir()
    (tmp_path / "marea/connectors/acme/__init__.py").write_text(ACME)
    return tmp_path


def _in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.integration
def test_one_more_folder_is_one_more_connector(grown: Path) -> None:
    code = (
        "from marea.config import addresses, declared; from marea.connectors import registry;"
        "print(addresses.connector('acme://h/d', None), addresses.connector('acme://h/d', 'sql'),"
        "addresses.connector('https://h/d', 'acme'), addresses.connector('https://h/d', None),"
        "type(registry.connector('acme')).__name__, declared.connectors())"
    )
    done = _in(grown, sys.executable, "-c", code)
    assert done.stdout.split() == [
        *("acme", "acme", "acme", "rest", "AcmeConnector"),
        *str(sorted([*BUILT_IN, "acme"])).split(),
    ]


@pytest.mark.integration
def test_the_lint_knows_one_more_without_being_told(grown: Path) -> None:
    lint = str(Path(sys.executable).parent / "lint-imports")
    file = grown / "marea/connectors/acme/__init__.py"
    file.write_text("from marea.connectors.sqlite import SqliteConnector\n" + ACME)
    done = _in(grown, lint, "--no-cache")
    assert "Connectors know nothing of each other BROKEN" in done.stdout
    assert "marea.connectors.acme is not allowed to import marea.connectors.sqlite" in done.stdout


def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (tmp_path / "acme_marea.py").write_text(code)
    metadata = tmp_path / "acme_marea-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-marea\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[marea.connectors]\nacme = acme_marea:AcmeConnector\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_marea", raising=False)


@pytest.mark.unit
def test_a_connector_that_is_installed_needs_nothing_of_ours_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installed(tmp_path, monkeypatch, ACME)
    assert type(registry.connector("acme")).__name__ == "AcmeConnector"
    assert declared.connectors() == sorted([*BUILT_IN, "acme"])
    assert addresses.connector("acme://h/d", None) == "acme"
    assert addresses.connector("https://h/d", "acme") == "acme"
    assert addresses.connector("https://h/d", None) == "rest"
    with pytest.raises(Mistake, match="acme does not serve a URL that begins with http://"):
        addresses.connector("http://h/d", "acme")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import acme_driver", "the connector acme cannot be used: No module named 'acme_driver'"),
        ("class AcmeConnector:\n    pass\n", "the connector acme does not say what it serves"),
    ],
)
def test_one_that_cannot_be_used_says_so_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    _installed(tmp_path, monkeypatch, code)
    with pytest.raises(Mistake, match=said):
        addresses.connector("acme://h/d", None)
    assert addresses.connector("https://h/d", None) == "rest"


@pytest.mark.unit
def test_an_unknown_one_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match='did you mean "postgresql"'):
        registry.connector("postgres")


@pytest.mark.unit
def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, marea.connectors.registry as r; r.connector('postgresql'); r.connector('sqlite');"
        "print([m for m in ('pyarrow', 'psycopg', 'apsw', 'adbc_driver_manager') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.unit
def test_a_source_is_ready_without_what_only_rows_and_targets_need() -> None:
    code = (
        "import sys, marea.connectors.postgresql.source;"
        "print([m for m in ('pyarrow.compute', 'pyarrow.dataset', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
