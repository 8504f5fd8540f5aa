import io

import pytest

from marea.demo.rows import Size
from marea.demo.scene import Scene
from marea.demo.steps import first_synchronization, mass_change
from marea.demo.story import main
from marea.demo.teller import Broken, Teller
from marea.errors import ConfigurationError

pytestmark = pytest.mark.integration

SMALL = Size(customers=200, items=100, suppliers=20, outdated=50)


def test_the_whole_story_holds_and_leaves_what_it_was_asked_to_keep(tmp_path):
    out = io.StringIO()
    kept = tmp_path / "kept"
    assert main(kept, SMALL, out) == 0, out.getvalue()
    told = out.getvalue()
    assert "checks held" in told
    assert "✗" not in told
    assert {"erp.db", "crm.db", "marea.db", "marea.yaml"} <= {file.name for file in kept.iterdir()}
    assert f"cd {kept}" in told


def test_an_account_changed_behind_the_storys_back_breaks_it(tmp_path):
    out = io.StringIO()
    with Scene(tmp_path, SMALL, Teller(out)) as scene:
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
        main(tmp_path, SMALL, io.StringIO())
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
