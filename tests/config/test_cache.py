from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from marea.config.cache import load_cached
from marea.config.load import load
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parent / "documented.yaml").read_text()
SECRETS = {"CRM_TOKEN": "s3cr3t-t0ken", "LATER": "1"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "marea.yaml"
    file.write_text(TEXT.replace("reader@", "reader:l1teral@"))
    return file


def environment(file: Path, **more: str) -> dict[str, str]:
    return {**SECRETS, "XDG_CACHE_HOME": str(file.parent / "cache"), **more}


def kept(file: Path) -> Path:
    (found,) = (file.parent / "cache" / "marea").iterdir()
    return found


def without_modules(file: Path, modules: tuple[str, ...]) -> str:
    """What load_cached says in a process where these modules cannot be imported."""
    program = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[3:]));"
        "from marea.config.cache import load_cached;"
        "print(load_cached(sys.argv[1], {'CRM_TOKEN': 'x', 'XDG_CACHE_HOME': sys.argv[2]}).state)"
    )
    command = [sys.executable, "-c", program, str(file), str(file.parent / "cache"), *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout or done.stderr


def test_a_file_that_did_not_change_needs_no_parser_and_no_validator(file: Path) -> None:
    assert "ModuleNotFoundError" in without_modules(file, ("yaml", "pydantic"))
    load_cached(file, environment(file))
    assert without_modules(file, ("yaml", "pydantic")) == f"sqlite:///{file.parent}/marea.db\n"


def test_importing_the_loader_imports_nothing_slow() -> None:
    program = "import sys, marea.config.load; print({'yaml', 'pydantic', 'json'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_what_is_kept_is_readable_by_nobody_and_holds_no_word_of_the_file(file: Path) -> None:
    load_cached(file, environment(file))
    assert kept(file).stat().st_mode & 0o777 == 0o600
    content = kept(file).read_bytes()
    for word in (b"l1teral", b"s3cr3t", b"customers", b"MA_CustSupp", b"Settings"):
        assert word not in content


def test_a_secret_is_that_of_today(file: Path) -> None:
    load_cached(file, environment(file))
    settings = load_cached(file, environment(file, CRM_TOKEN="another"))
    assert settings.systems["crm"].options["auth"] == {"bearer": "another"}


def test_a_secret_that_went_missing_is_told_with_its_line(file: Path) -> None:
    load_cached(file, environment(file))
    now = environment(file)
    del now["CRM_TOKEN"]
    with pytest.raises(ConfigurationError) as raised:
        load_cached(file, now)
    assert [fault.line for fault in raised.value.faults] == [10]


def test_a_changed_file_is_read_again(file: Path) -> None:
    load_cached(file, environment(file))
    file.write_text(file.read_text().replace("rate: Perc", "rate: Perc / 100"))
    assert load_cached(file, environment(file)) == load(file, SECRETS)


def test_the_file_goes_by_the_name_it_is_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_cached(file, environment(file))
    monkeypatch.chdir(file.parent)
    assert load_cached("marea.yaml", environment(file)).file == "marea.yaml"


@pytest.mark.parametrize("content", [b"", b"short", b"\x00" * 500])
def test_damage_is_as_good_as_nothing_kept(file: Path, content: bytes) -> None:
    load_cached(file, environment(file))
    kept(file).write_bytes(content)
    assert load_cached(file, environment(file)) == load(file, SECRETS)
    assert kept(file).read_bytes() != content


def test_one_byte_of_damage_is_noticed(file: Path) -> None:
    load_cached(file, environment(file))
    whole = kept(file).read_bytes()
    for at in (0, len(whole) - 1):
        kept(file).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert "ModuleNotFoundError" in without_modules(file, ("yaml",))


def test_what_others_may_have_written_is_not_trusted(file: Path) -> None:
    load_cached(file, environment(file))
    kept(file).chmod(0o622)
    assert "ModuleNotFoundError" in without_modules(file, ("yaml",))


@pytest.mark.parametrize("home", [{}, {"HOME": "/dev/null"}, {"XDG_CACHE_HOME": "/proc/nowhere"}])
def test_where_nothing_can_be_kept_the_file_is_read(file: Path, home: dict[str, str]) -> None:
    assert load_cached(file, {**SECRETS, **home}) == load(file, SECRETS)
