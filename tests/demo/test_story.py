import io
import subprocess
from pathlib import Path

import pytest

from demo.conftest import SIZE
from marea.demo.rows import Size
from marea.demo.scene import Scene
from marea.demo.steps import first_synchronization, mass_change
from marea.demo.story import go_on, main
from marea.demo.teller import Broken, Teller
from marea.errors import ConfigurationError

pytestmark = pytest.mark.integration


def test_the_whole_story_holds_and_leaves_what_it_was_asked_to_keep(story):
    assert story.code == 0, story.told
    assert "checks held" in story.told
    assert "✗" not in story.told
    assert "the run delivered nothing: it goes by the last-edit date" in story.told
    assert "found nothing" not in story.told
    assert "1 row changed" in story.told
    left = {file.name for file in story.folder.iterdir()}
    assert {"erp.db", "crm.db", "marea.db", "marea.yaml"} <= left
    assert f"cd {story.folder}" in story.told


def test_an_account_changed_behind_the_storys_back_breaks_it(tmp_path):
    out = io.StringIO()
    with Scene(tmp_path, SIZE, Teller(out)) as scene:
        first_synchronization(scene)
        [account] = [record for record in scene.crm.records("accounts") if record["code"] == "C00005"]
        scene.crm.ask("PUT", "/api/accounts/C00005", {**account, "name": "Somebody else"})
        with pytest.raises(Broken, match="accounts: C00005 differs in name"):
            mass_change(scene)
    assert "✗" in out.getvalue()


def test_a_promise_that_does_not_hold_is_exit_code_1():
    out = io.StringIO()
    # Without outdated customers a mass change has nothing to show.
    assert main(None, Size(customers=60, items=20, suppliers=5, outdated=0), out) == 1
    assert "did not keep a promise" in out.getvalue()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        main(tmp_path, SIZE, io.StringIO())
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def typed(told):
    """The commands it ends with."""
    _, _, end = told.partition("To go on from here")
    return [line.removeprefix("  $ ") for line in end.splitlines() if line.startswith("  $ ")]


def test_the_commands_it_ends_with_run_as_they_stand(story):
    *before, serve, status, sync = typed(story.told)
    assert (status, sync) == ("marea status", "marea sync")
    assert serve.endswith(" &")
    script = "\n".join(["set -e", *before, f"{serve.partition(' --')[0]} --help", status])
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "customers" in done.stdout
    assert story.told.rstrip().endswith("With a database of your own: marea init --source URL")


def test_without_a_folder_that_stays_it_ends_with_how_to_have_one(tmp_path):
    out = io.StringIO()
    with Scene(tmp_path, Size(customers=60, items=20, suppliers=5, outdated=0), Teller(out)) as scene:
        go_on(scene, kept=False)
    assert typed(out.getvalue())[-1] == "marea demo --keep demo"
    assert out.getvalue().rstrip().endswith("With a database of your own: marea init --source URL")


def test_the_folder_that_the_readme_keeps_is_none_of_the_projects():
    home = Path(__file__).parents[2]
    for name, ignored in (("demo/marea.yaml", True), ("src/marea/demo/story.py", False)):
        git = ["git", "check-ignore", "--quiet", "--no-index", name]
        assert (subprocess.run(git, cwd=home, check=False).returncode == 0) is ignored
