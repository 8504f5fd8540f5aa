"""Connectors are found by name, at once; one more is a folder, a line, a suite and a page, no more."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from marea import capabilities
from marea.config import addresses, declared
from marea.config.mistake import Mistake
from marea.connectors import registry
from marea.errors import ConfigurationError
from marea.testing import ConnectorContract

HOME = Path(__file__).parents[2]
FOLDER = HOME / "src/marea/connectors"
BUILT_IN = sorted(folder.parent.name for folder in FOLDER.glob("*/__init__.py"))


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
    """As many as the roles it has, unless it says that nothing is at hand to prove them on."""
    suites = _suites(name)
    says = {"roles": ConnectorContract.roles, "unproved": "", **suites.pop("ConnectorContract")}
    target = "SqlTargetContract" if declared.declared(name).database else "TargetContract"
    proved = {"source": "SourceContract", "target": target}
    wanted = set() if says["unproved"] else {proved[role] for role in says["roles"]}
    assert set(suites) == wanted, (
        f"the tests of {name} subclass {sorted(suites)}, and its roles need {sorted(wanted)}: subclass them, "
        "or say `roles` or `unproved` in its ConnectorContract"
    )


def _suites(name: str) -> dict[str, dict[str, Any]]:
    """The contract suites that the tests of a connector subclass, with what each says in literals."""
    folder = HOME / "tests/connectors"
    files = [*folder.glob(f"test_{name}.py"), *(folder / name).glob("test_*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    suites = [(ast.unparse(base), _literals(node)) for node in classes for base in node.bases]
    return {base: says for base, says in suites if base.endswith("Contract")}


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for part in node.body:
        if isinstance(part, ast.Assign):
            with suppress(ValueError):
                said[ast.unparse(part.targets[0])] = ast.literal_eval(part.value)
    return said


@pytest.mark.unit
@pytest.mark.parametrize("name", BUILT_IN)
def test_each_has_its_place_on_the_page(name: str) -> None:
    page = (HOME / "docs/connectors.md").read_text("utf-8")
    row = re.search(rf"^\| `{name}` \|.*", page, re.MULTILINE)
    assert row is not None
    assert all(f"`{scheme}://" in row[0] for scheme in declared.declared(name).schemes)


@pytest.mark.unit
def test_the_page_lists_every_capability() -> None:
    page = (HOME / "docs/connectors.md").read_text("utf-8")
    rows = re.findall(r"^ *\| ((?:`\w+`(?:, )?)+) \| [^|]+ \| `([A-Z]\w+)` \|", page, re.MULTILINE)
    listed = {(name, protocol) for names, protocol in rows for name in re.findall(r"\w+", names)}
    protocols = [each for each in vars(capabilities).values() if getattr(each, "_is_protocol", False)]
    there = {
        (name, each.__name__)
        for each in protocols
        if each.__module__ == capabilities.__name__
        for name in vars(each)
        if not name.startswith("_")
    }
    assert listed == there


@pytest.mark.unit
@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_else_names_it(name: str) -> None:
    """Neither the program nor the rules of its layers: whoever adds a connector edits neither."""
    own = FOLDER / name
    files = [file for file in (HOME / "src").rglob("*.py") if own not in file.parents]
    own_words = re.compile(rf"marea\.connectors\.{name}\b|\b{name.capitalize()}Dialect\b")
    naming = [file.name for file in files if own_words.search(file.read_text("utf-8"))]
    assert naming == []
    lint = (HOME / "pyproject.toml").read_text().partition("[tool.importlinter]")[2]
    assert f"marea.connectors.{name}" not in lint


ACME = """
from marea.config.declared import Declaration
from marea.connectors.base import address, unknown_options
from marea.errors import ConfigurationError

class AcmeConnector:
    declares = Declaration(("acme",), named=("https",), database=False)

    def validate(self, options):
        return unknown_options(options, {"user", "password"})

    def place(self, system):
        return address(system).place("acme", 4711)

    def source(self, system):
        raise ConfigurationError.single(f"system {system.name} cannot be a source", line=system.line)

    def target(self, system):
        from marea.testing.memory import MemoryTarget

        return MemoryTarget()
"""
APEX = ACME.replace("acme", "apex").replace("Acme", "Apex")
"""One with a folder: of two that are called alike what Marea brings goes first."""
CONTRACT = """
import pytest
from connectors.test_contracts import TestMemoryTarget as TargetContract
from marea.connectors.apex import ApexConnector
from marea.testing import ConnectorContract

pytestmark = pytest.mark.unit

class TestApexConnector(ConnectorContract):
    name = "apex"
    alike = ("apex://reader:pa55word@HOST/db", "https://host:4711/db")
    others = ("apex://host/another",)
    roles = ("target",)

    @pytest.fixture
    def connector(self):
        return ApexConnector()

class TestApexTarget(TargetContract):
    pass
"""
COPIED = ("src/marea", "tests/config", "tests/connectors", "docs")


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A copy of the program with one connector more: a folder, its contract, a line, a row of the page."""
    for name in COPIED:
        shutil.copytree(HOME / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (HOME / "tests").glob("*.py"):
        shutil.copy(file, tmp_path / "tests")
    (tmp_path / "src/marea/connectors/apex").mkdir()
    (tmp_path / "src/marea/connectors/apex/__init__.py").write_text(APEX)
    (tmp_path / "tests/connectors/test_apex.py").write_text(CONTRACT)
    project = (HOME / "pyproject.toml").read_text()
    group = f'[project.entry-points."{declared.GROUP}"]\n'
    line = 'apex = "marea.connectors.apex:ApexConnector"\n'
    (tmp_path / "pyproject.toml").write_text(project.replace(group, group + line))
    page = tmp_path / "docs/connectors.md"
    page.write_text(page.read_text("utf-8").replace("| `rest` |", "| `apex` | `apex://…` |\n| `rest` |"))
    return tmp_path


def _in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.integration
def test_one_more_connector_edits_no_test(grown: Path) -> None:
    """Those of all connectors, those of the configuration and its own contract pass."""
    tests = ("tests/config", "tests/connectors/test_registry.py", "tests/connectors/test_apex.py")
    done = _in(grown, sys.executable, "-m", "pytest", "-m", "unit", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_one_more_folder_is_one_more_connector(grown: Path) -> None:
    code = (
        "from marea.config import addresses, declared; from marea.connectors import registry;"
        "print(addresses.connector('apex://h/d', None),"
        "addresses.connector('https://h/d', 'apex'), addresses.connector('https://h/d', None),"
        "type(registry.connector('apex')).__name__, declared.connectors())"
    )
    done = _in(grown, sys.executable, "-c", code)
    assert done.stdout.split() == [
        *("apex", "apex", "rest", "ApexConnector"),
        *str(sorted([*BUILT_IN, "apex"])).split(),
    ]


@pytest.mark.integration
def test_the_lint_knows_one_more_without_being_told(grown: Path) -> None:
    lint = str(Path(sys.executable).parent / "lint-imports")
    file = grown / "src/marea/connectors/apex/__init__.py"
    file.write_text("from marea.connectors.sqlite import SqliteConnector\n" + APEX)
    done = _in(grown, lint, "--no-cache")
    assert "Connectors know nothing of each other BROKEN" in done.stdout
    assert "marea.connectors.apex is not allowed to import marea.connectors.sqlite" in done.stdout


def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, name: str = "acme") -> None:
    """A package with one connector, found before those that were installed earlier."""
    module, home = f"{name}_marea", tmp_path / name
    metadata = home / f"{module}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (home / f"{module}.py").write_text(code)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-marea\nVersion: 1.0\n")
    line = f"{name} = {module}:{declared.class_name(name)}"
    (metadata / "entry_points.txt").write_text(f"[marea.connectors]\n{line}\n")
    monkeypatch.syspath_prepend(home)
    monkeypatch.delitem(sys.modules, module, raising=False)


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


BROKEN = {
    "import acme_driver": "the connector acme cannot be used: No module named 'acme_driver'",
    "class Another:\n    pass\n": "the connector acme cannot be used: AttributeError: ",
    "class AcmeConnector:\n    pass\n": "the connector acme does not say what it serves",
    "raise RuntimeError('no\\nlicence')": "the connector acme cannot be used: RuntimeError: no licence",
    "class AcmeConnector": "the connector acme cannot be used: SyntaxError: ",
}
"""What a package may hold -> what is said where its connector is wanted."""


@pytest.mark.unit
@pytest.mark.parametrize("last", ["acme", "csvdir"])
@pytest.mark.parametrize("code", BROKEN)
def test_one_that_cannot_be_used_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, last: str
) -> None:
    sound = ACME.replace("acme", "csvdir").replace("Acme", "Csvdir")
    for name in ("acme", "csvdir") if last == "csvdir" else ("csvdir", "acme"):
        _installed(tmp_path, monkeypatch, code if name == "acme" else sound, name)
    assert addresses.connector("csvdir:///x", None) == "csvdir"
    assert addresses.connector("https://h/d", None) == "rest"
    with pytest.raises(Mistake, match=BROKEN[code]):
        addresses.connector("csvdir:///x", "acme")
    with pytest.raises(Mistake, match="no connector serves a URL that begins with csvdri://") as caught:
        addresses.connector("csvdri:///x", None)
    assert caught.value.hint.startswith(BROKEN[code])
    assert caught.value.hint.endswith('; did you mean "csvdir"?')
    with pytest.raises(Mistake, match="no connector serves") as caught:
        addresses.connector("acme://h/d", None)
    assert caught.value.hint.startswith(BROKEN[code])
    with pytest.raises(Mistake, match="the connector csvdir does not serve") as caught:
        addresses.connector("csvdri:///x", "csvdir")
    assert "acme" not in caught.value.hint


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
