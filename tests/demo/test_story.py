import io

import pytest

from demo.conftest import SIZE
from marea.demo.rows import Size
from marea.demo.scene import Scene
from marea.demo.steps import first_synchronization, mass_change
from marea.demo.story import main
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
