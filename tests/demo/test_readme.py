import io
import re
import shlex
from pathlib import Path

import pytest

from marea.demo.rows import WRONG, Size
from marea.demo.scene import Scene
from marea.demo.teller import Teller

pytestmark = pytest.mark.integration

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
EXITS = {"sync": 1}
"""Two customers of the demo are wrong, and are rejected."""


def block(language):
    [found] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found


@pytest.fixture
def scene(tmp_path):
    with Scene(
        tmp_path, Size(customers=80, items=20, suppliers=5, outdated=10), Teller(io.StringIO())
    ) as scene:
        text = block("yaml").replace("http://127.0.0.1:8800", scene.crm.address)
        (tmp_path / "marea.yaml").write_text(text, "utf-8")
        yield scene


def test_every_command_of_the_readme_runs_with_its_configuration(scene):
    commands = re.findall(r"^\$ marea (.*)$", block("console"), re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["check", "plan", "sync", "log", "explain"]
    for command in commands:
        words = shlex.split(command)
        scene.marea(*words, exits=EXITS.get(words[0], 0), because="as the README promises")
    assert len(scene.crm.records("accounts")) == 80 - len(WRONG)


def test_the_python_of_the_readme_runs(scene, monkeypatch, capsys):
    monkeypatch.chdir(scene.folder)
    exec(block("python"), {})
    assert capsys.readouterr().out.endswith("partial\n")
