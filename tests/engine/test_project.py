from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import marea
from marea.engine.entity.systems import Systems
from marea.errors import ConfigurationError
from marea.model import RunKind, RunStatus
from marea.testing.memory import MemoryTarget
from worlds import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path)
    made.fill(4)
    return made


@pytest.mark.unit
def test_the_public_face_is_pinned() -> None:
    assert marea.__all__ == [
        "ConfigurationError",
        "EntityBusy",
        "Entry",
        "Fault",
        "MareaError",
        "Project",
        "Run",
        "RunStopped",
        "Stop",
        "SystemUnreachable",
        "open",
    ]
    assert all(getattr(marea, name) for name in marea.__all__)
    assert set(marea.__all__) <= set(dir(marea))
    with pytest.raises(AttributeError, match="nothing"):
        _ = marea.nothing


@pytest.mark.unit
def test_importing_costs_next_to_nothing() -> None:
    program = "import sys; before = set(sys.modules); import marea; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("marea")} == {"marea"}
    assert {"dataclasses", "inspect", "pathlib", "json", "importlib.metadata"}.isdisjoint(loaded)


@pytest.mark.unit
def test_the_command_line_imports_nothing_heavy_before_it_knows_the_command() -> None:
    program = "import sys, marea.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"pyarrow", "duckdb", "apsw", "pydantic", "yaml", "aiohttp", "psycopg", "rich", "typer"}
    assert heavy.isdisjoint(done.stdout.split())


@pytest.mark.integration
def test_a_run_with_nothing_to_do_makes_nothing_costly_ready(world: World) -> None:
    program = (
        f"import sys, marea; p = marea.open({str(world.file)!r}); p.sync(); p.close(); print(*sys.modules)"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, capture_output=True, text=True, check=True)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    costly = {"duckdb", "pydantic", "yaml", "aiohttp", "psycopg", "pyarrow.compute"}
    assert costly.isdisjoint(done.stdout.split())


@pytest.mark.integration
def test_a_run_from_python(world: World) -> None:
    with marea.open(world.file) as project:
        run = project.sync(["tax_codes", "customers"])
        assert (run.kind, run.status, run.messages) == (RunKind.INCREMENTAL, RunStatus.SUCCEEDED, ())
        assert run.entities["customers"].detected == 4
        entries = list(run.entries())
        assert [entry.run for entry in entries] == [run.id] * 6
        assert isinstance(entries[0], marea.Entry)
        assert isinstance(run, marea.Run)
        assert project.runs()[0].id == run.id
        assert len(list(project.log("customers", key=[1, "00001"]))) == 1
        assert list(project.log(text="nobody")) == []


@pytest.mark.integration
def test_keys_are_given_as_values_or_as_text(world: World) -> None:
    with marea.open(world.file) as project:
        project.sync()
        for key in ("1,00001", '[1,"00001"]', (1, "00001"), ["1", "00001"]):
            assert project.sync(["customers"], keys=[key]).entities["customers"].detected == 1
        assert project.sync(["tax_codes"], keys=["22"]).entities["tax_codes"].detected == 1
        assert project.explain("tax_codes", 22).key == '"22"'


@pytest.mark.integration
def test_progress_is_told(world: World) -> None:
    seen: list[tuple[str, int]] = []
    with marea.open(world.file) as project:
        project.sync(progress=lambda entity, settled: seen.append((entity, settled)))
        assert dict(project.totals(["customers"], full=True)) == {"customers": 4}
        assert dict(project.totals(["customers"], full=False)) == {}
    assert seen[-1] == ("customers", 4)


@pytest.mark.integration
def test_closing_is_repeatable_and_reading_makes_no_state(world: World, tmp_path: Path) -> None:
    project = marea.open(world.file)
    assert project.status().entities["customers"].loaded == "never"
    project.plan()
    project.close()
    project.close()
    assert not (tmp_path / "marea.db").exists()


@pytest.mark.integration
def test_words_that_name_nothing(world: World) -> None:
    with marea.open(world.file) as project:
        with pytest.raises(ConfigurationError, match='did you mean "customers"'):
            project.sync(["customer"])
        with pytest.raises(ConfigurationError, match="within one entity"):
            project.sync(where="1 = 1")
    with pytest.raises(ConfigurationError):
        marea.open("nowhere.yaml")


@pytest.mark.integration
def test_a_state_is_no_file_of_a_system(world: World) -> None:
    for name in ("erp", "crm"):
        text = world.file.read_text() + f'state: "sqlite:///{name}.db"\n'
        other = world.folder / f"{name}.yaml"
        other.write_text(text)
        with pytest.raises(ConfigurationError, match=f"state: is the file of system {name}"):
            marea.open(other)


@pytest.mark.integration
def test_check_asks_the_target_what_a_run_would_make(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is no database: nothing else knows what its options mean."""
    target = MemoryTarget()
    monkeypatch.setattr(Systems, "target", lambda self, name: target)
    with marea.open(world.file) as project:
        report = project.check()
    assert report.faults == []
    notes = {entity.name: entity.notes for entity in report.entities}
    assert notes["tax_codes"] == ["tax_codes is not there yet: the first run makes it"]
    assert target.records == {}
    assert not (world.folder / "crm.db").exists()


@pytest.mark.integration
def test_no_condition_leaves_the_filter_of_its_entity(world: World) -> None:
    outside = "1=0) or (1=1"
    with marea.open(world.file) as project:
        for ask in (
            lambda: project.sync(["customers"], where=outside),
            lambda: project.plan(["customers"], where=outside),
            lambda: project.touch("customers", outside),
            lambda: project.touch("customers", outside, dry_run=True),
        ):
            with pytest.raises(ConfigurationError, match="a bracket is closed that was not opened"):
                ask()
    world.file.write_text(world.file.read_text().replace("where: kind = 1", f"where: {outside}"))
    with marea.open(world.file) as project:
        faults = project.check().faults
    assert "the condition is not one complete expression" in faults[0].message
