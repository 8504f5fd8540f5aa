from __future__ import annotations

from pathlib import Path

import pytest

from config.golden import EDITS
from marea.config.declared import schemes
from marea.config.load import load
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
TEXT = (HERE / "documented.yaml").read_text()


def golden() -> dict[str, str]:
    """What golden.txt says of each mistake: after `# name`, one line a fault.

    Which schemes there are is for the connectors to say: one more edits no text.
    """
    text = (HERE / "golden.txt").read_text()
    text = text.replace("<schemes>", ", ".join(schemes(None)))
    text = text.replace("<schemes of databases>", ", ".join(schemes("sql")))
    blocks = text.removeprefix("# ").rstrip("\n").split("\n\n# ")
    return dict(block.split("\n", 1) for block in blocks)


@pytest.mark.parametrize("mistake", EDITS)
def test_each_mistake_is_told_in_these_words(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = EDITS[mistake]
    assert before in TEXT
    monkeypatch.chdir(tmp_path)
    Path("marea.yaml").write_text(TEXT.replace(before, after, 1))

    with pytest.raises(ConfigurationError) as raised:
        load("marea.yaml", {"CRM_TOKEN": "s3cr3t"})

    assert str(raised.value) == golden()[mistake]


def test_the_golden_file_names_each_mistake_once() -> None:
    assert list(golden()) == list(EDITS)


def test_one_mistake_never_hides_another(tmp_path: Path) -> None:
    alone = {
        "unknown key",
        "capture",
        "rate",
        "unknown entity",
        "list of one row",
        "no url",
        "secret missing",
    }
    text = TEXT
    for name in alone:
        text = text.replace(*EDITS[name], 1)
    file = tmp_path / "marea.yaml"
    file.write_text(text)

    with pytest.raises(ConfigurationError) as raised:
        load(file, {})

    told = {str(fault).removeprefix(f"{tmp_path}/") for fault in raised.value.faults}
    assert told == {golden()[name] for name in alone}


def test_no_fault_shows_a_password_that_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "marea.yaml"
    for url in ("postgress://reader:hunter2@erp/x", "reader:hunter2@erp/x", "mysql://u:hunter2@x/y"):
        text = TEXT.replace("postgresql://reader@localhost/mago4", url).replace("sqlite:///marea.db", url)
        file.write_text(text.replace("${CRM_TOKEN}", "hunter2${"))
        with pytest.raises(ConfigurationError) as raised:
            load(file, {})
        assert len(raised.value.faults) >= 2
        assert "hunter2" not in str(raised.value)
