import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from demo.conftest import SIZE
from marea.demo.crm_process import CrmProcess
from marea.demo.rows import WRONG
from marea.demo.scene import Scene
from marea.demo.teller import Teller

pytestmark = pytest.mark.integration

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
COMMANDS = ["check", "status", "plan", "sync", "log", "explain"]


def block(language):
    [found] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found


def commands():
    return list(map(shlex.split, re.findall(r"^\$ marea (.*)$", block("console"), re.MULTILINE)))


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path, SIZE, Teller(io.StringIO())) as scene:
        text = block("yaml").replace("http://127.0.0.1:8800", scene.crm.address)
        (tmp_path / "marea.yaml").write_text(text, "utf-8")
        yield scene


@pytest.fixture(scope="module")
def kept(story):
    """The folder that the demo leaves, its CRM started again by the command the demo prints."""
    port = int(re.search(r"marea\.demo\.crm --storage crm\.db --port (\d+)", story.told)[1])
    with CrmProcess(story.folder / "crm.db", port):
        yield story.folder


def carried_out(words, folder):
    program = [sys.executable, "-m", "marea", *words]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_the_configuration_of_the_readme_delivers_the_demos_customers(scene):
    assert [words[0] for words in commands()] == COMMANDS
    for words in commands():
        scene.marea(*words, exits=1 if words[0] == "sync" else 0, because="as the README promises")
    assert len(scene.crm.records("accounts")) == SIZE.customers - len(WRONG)


def test_every_command_of_the_readme_shows_something_in_the_folder_of_the_demo(kept):
    done = {words[0]: carried_out(words, kept) for words in commands()}
    assert {name: each.returncode for name, each in done.items()} == {**dict.fromkeys(COMMANDS, 0), "sync": 1}
    assert [name for name, each in done.items() if "nothing to do" in each.stdout] == []
    assert "customers 3211264,C00029: rejected" in done["plan"].stdout
    assert "1 rejected" in done["sync"].stdout
    assert done["log"].stdout.count("run ") == 5
    assert "C00029 is rejected: An Italian VAT number has 11 digits" in done["explain"].stdout


def test_the_python_of_the_readme_runs(scene, monkeypatch, capsys):
    monkeypatch.chdir(scene.folder)
    exec(block("python"), {})
    assert capsys.readouterr().out.endswith("partial\n")
