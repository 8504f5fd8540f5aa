from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Marea, Shop
from marea.cli.arguments import _COMMANDS
from marea.engine.entity.clock import system_clock
from marea.engine.project import Project
from marea.store.state import open_state

pytestmark = pytest.mark.integration

TEN = Path(__file__).parent.parent / "config" / "ten_mistakes.yaml"


def process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "marea", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_commands_are_these(marea: Marea) -> None:
    done = marea("--help")
    assert done.code == 0
    assert list(_COMMANDS) == [
        *("demo", "init", "check", "plan", "sync", "scan", "touch"),
        *("status", "runs", "log", "explain", "retry", "approve", "capture", "schema"),
    ]
    assert all(f"    {name}" in done.out for name in _COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_has_its_help(marea: Marea, name: str) -> None:
    done = marea(name, "--help")
    assert done.code == 0
    assert "--json" in done.out


def test_no_command_shows_the_help(marea: Marea) -> None:
    assert marea().out == marea("--help").out


def test_a_word_that_is_no_command_is_a_usage_error(marea: Marea) -> None:
    done = marea("synk")
    assert done.code == 2
    assert "synk" in done.err
    assert done.out == ""


def test_words_too_many_lead_to_the_help_of_their_command(marea: Marea) -> None:
    done = marea("explain", "orders", "1", "2")
    assert (done.code, done.out) == (2, "")
    assert "unrecognized arguments: 2 (see `marea explain --help`)" in done.err
    assert "`marea --help`" in marea("--verbose").err


def test_help_is_a_word_too(marea: Marea) -> None:
    assert marea("help").out == marea("--help").out
    assert marea("help", "explain").out == marea("explain", "--help").out


@pytest.mark.parametrize("name", ["explain", "touch", "retry", "log"])
def test_every_word_of_a_command_is_explained(marea: Marea, name: str) -> None:
    text = " ".join(marea(name, "--help").out.split())
    assert re.search(r" ENTITY (the|one) entity", text)


def test_ten_mistakes_are_ten_messages() -> None:
    done = process("check", "-c", str(TEN), "--json")
    assert done.returncode == 2
    faults = json.loads(done.stdout)["error"]["faults"]
    assert len(faults) == 10
    assert all(fault["line"] and fault["message"] for fault in faults)
    assert len([line for line in done.stderr.splitlines() if str(TEN) in line]) == 10


def test_a_run_with_nothing_left_over_ends_with_0_and_with_trouble_with_1(fresh: Shop) -> None:
    assert process("sync").returncode == 1
    fresh.erp("DELETE FROM customers WHERE code IN ('00001', '00003')")
    assert process("sync", "tax_codes").returncode == 0


def test_a_missing_configuration_names_the_file_and_the_next_step(marea: Marea, shop: Shop) -> None:
    done = marea("sync", "-c", "other.yaml")
    assert done.code == 2
    assert "other.yaml" in done.err
    assert "marea init" in done.err


def test_the_configuration_is_named_by_option_or_environment(
    marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.folder / "marea.yaml").rename(shop.folder / "other.yaml")
    assert marea("status").code == 2
    assert marea("-c", "other.yaml", "status").code == 0
    assert marea("status", "-c", "other.yaml").code == 0
    monkeypatch.setenv("MAREA_CONFIG", "other.yaml")
    assert marea("status").code == 0


def test_a_source_that_is_away_is_one_sentence_and_3(marea: Marea, shop: Shop) -> None:
    shop.configure("sqlite:///erp.db", "postgresql://reader:s3cr3t@127.0.0.1:1/erp")
    done = marea("sync", "--json")
    assert done.code == 3
    assert done.document["status"] == "interrupted"
    [sentence] = done.err.splitlines()
    assert "erp" in sentence
    assert "nothing is lost" in sentence
    assert "s3cr3t" not in done.out + done.err
    planned = marea("plan", "--json")
    assert planned.code == 3
    assert planned.document["error"]["code"] == "unreachable"
    assert "s3cr3t" not in planned.out + planned.err


def test_a_target_that_is_away_is_3_and_what_changed_is_due(marea: Marea, shop: Shop) -> None:
    file, aside = shop.folder / "crm.db", shop.folder / "aside.db"
    file.rename(aside)
    file.mkdir()
    shop.erp("UPDATE tax_codes SET rate = 23, modified = CURRENT_TIMESTAMP WHERE code = '22'")
    assert marea("sync").code == 3
    file.rmdir()
    aside.rename(file)
    assert marea("sync", "tax_codes", "--json").document["entities"]["tax_codes"]["updated"] == 1


def test_an_error_of_ours_is_one_sentence_and_4(
    marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Project, names: object) -> None:
        raise ZeroDivisionError("by nothing at postgresql://me:s3cr3t@host/db\nat all")

    monkeypatch.setattr(Project, "status", broken)
    done = marea("status", "--json")
    assert done.code == 4
    assert done.document["error"]["code"] == "internal"
    assert len(done.err.splitlines()) == 1
    assert "ZeroDivisionError: by nothing" in done.err
    traced = marea("status", "--debug").err
    assert "Traceback" in traced
    assert "s3cr3t" not in done.out + done.err + traced


def test_interrupting_is_3(marea: Marea, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Project, names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Project, "status", stopped)
    done = marea("status")
    assert done.code == 3
    assert "nothing is lost" in done.err


def test_a_state_that_is_none_is_4_and_says_so(marea: Marea, shop: Shop) -> None:
    for file in shop.folder.glob("marea.db*"):
        file.unlink()
    (shop.folder / "marea.db").write_bytes(b"this is no database at all, but long enough" * 20)
    done = marea("status")
    assert done.code == 4
    assert "marea.db" in done.err
    assert len(done.err.splitlines()) == 1


def test_output_that_nobody_reads_is_no_error(shop: Shop) -> None:
    command = f"{sys.executable} -m marea log --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "to", "unbuffered"),
    [
        ("status", ">/dev/full", ""),
        ("status", ">/dev/full", "1"),
        ("log --json", ">/dev/full", ""),
        ("log --limit x --json", ">/dev/full", ""),
        ("plan --full", ">&-", ""),
        ("sync --full", ">/dev/full", ""),
        ("sync --full --json", ">&-", ""),
    ],
)
def test_output_that_cannot_be_written_is_said_so(shop: Shop, words: str, to: str, unbuffered: str) -> None:
    command = f"PYTHONUNBUFFERED={unbuffered} {sys.executable} -m marea {words} {to}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    why = "No space left on device" if "full" in to else "Bad file descriptor"
    assert done.returncode == 2
    assert done.stderr.endswith(f"the output cannot be written: {why}\n")
    assert "internal error" not in done.stderr
    assert ("itself ended, partial: marea runs shows it" in done.stderr) == words.startswith("sync")


def test_streams_that_both_take_nothing_are_2(shop: Shop) -> None:
    command = f"{sys.executable} -m marea sync --full >/dev/full 2>/dev/full"
    assert subprocess.run(["bash", "-c", command], check=False, timeout=60).returncode == 2


def test_a_demo_that_cannot_make_its_folder_says_so(marea: Marea, shop: Shop) -> None:
    done = marea("demo", "--keep", str(shop.folder / "marea.yaml"))
    assert (done.code, "marea.yaml cannot be made" in done.err) == (2, True)


def test_an_entity_that_another_run_holds_is_3(marea: Marea, shop: Shop) -> None:
    state = open_state(f"sqlite:///{shop.folder}/marea.db")
    entity = state.entity("customers", "crm").id
    state.leases.acquire(entity, "elsewhere:7:1", system_clock(), 60.0)
    done = marea("sync", "customers", "--full", "--json")
    state.close()
    assert done.code == 3
    assert done.document["status"] == "interrupted"
    [sentence] = done.err.splitlines()
    assert "process 7 on elsewhere" in sentence
