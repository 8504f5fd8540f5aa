"""Owns the proof that commands which are printed go on with the configuration that was given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Done, Marea, Shop
from marea.cli.commands import pasteable

pytestmark = pytest.mark.integration

FILE = "other file.yaml"
VERBS = "check|plan|sync|scan|touch|status|runs|log|explain|retry|approve|capture"


@pytest.fixture
def elsewhere(shop: Shop) -> Shop:
    (shop.folder / "marea.yaml").rename(shop.folder / FILE)
    return shop


def commands(done: Done) -> list[list[str]]:
    """The commands that were printed, in words."""
    return commands_in(done.out + done.err)


def commands_in(text: str) -> list[list[str]]:
    found = re.findall(rf"marea (?:-c (?:'[^']*'|\S+) )?(?:{VERBS})[^\n`;]*?(?=[\n`;]|, )", text)
    return [shlex.split(command) for command in found]


def texts(document: Any) -> list[str]:
    """Every text of a document."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        return [text for item in document for text in texts(item)]
    return [document] if isinstance(document, str) else []


def spoil(shop: Shop) -> None:
    shop.erp("UPDATE customers SET name = ' ', modified = CURRENT_TIMESTAMP WHERE code = '00004'")


def other_object(shop: Shop) -> None:
    text = (shop.folder / FILE).read_text("utf-8")
    (shop.folder / FILE).write_text(text.replace("object: accounts", "object: others"), "utf-8")


def with_a_blank(shop: Shop) -> None:
    shop.erp("INSERT INTO customers VALUES (1, 'a b', 'Late', '22', 1, '2020-01-01 00:00:00')")


def nothing(shop: Shop) -> None:
    """All stays as it is."""


CASES = [
    (spoil, ("sync",)),
    (nothing, ("sync",)),
    (nothing, ("plan", "--full")),
    (nothing, ("explain", "customers", "1,00006")),
    (nothing, ("touch", "customers", "--where", "code = '00004'")),
    (other_object, ("sync",)),
    (other_object, ("check",)),
    (with_a_blank, ("explain", "customers", "1,a b")),
]


@pytest.mark.parametrize(("change", "words"), CASES)
def test_a_configuration_that_was_given_is_in_every_command(
    marea: Marea, elsewhere: Shop, change: object, words: tuple[str, ...]
) -> None:
    change(elsewhere)  # type: ignore[operator]
    named = commands(marea("-c", FILE, *words))
    assert named
    assert [command[1:3] for command in named] == [["-c", FILE]] * len(named)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (nothing, ("explain", "customers", "1,00006")),
        (with_a_blank, ("explain", "customers", "1,a b")),
        (other_object, ("sync",)),
        (other_object, ("check",)),
        (other_object, ("plan",)),
    ],
)
def test_documents_have_the_same_commands_as_the_text(
    marea: Marea, elsewhere: Shop, change: object, words: tuple[str, ...]
) -> None:
    change(elsewhere)  # type: ignore[operator]
    document = marea("-c", FILE, *words, "--json").document
    told = commands_in("\n".join(texts(document)) + "\n")
    assert told
    assert [command[1:3] for command in told] == [["-c", FILE]] * len(told)
    said = commands(marea("-c", FILE, *words))
    assert all(command in said for command in told)


def test_a_command_that_was_printed_runs_when_it_is_pasted(marea: Marea, elsewhere: Shop) -> None:
    spoil(elsewhere)
    named = commands(marea("-c", FILE, "sync"))
    pasted = [marea(*command[1:]) for command in named if command[3] in ("log", "explain")]
    assert [(done.code, "required and empty" in done.out) for done in pasted] == [(0, True)] * 2


def test_a_key_with_a_blank_is_one_word_of_the_command(marea: Marea, elsewhere: Shop) -> None:
    with_a_blank(elsewhere)
    steps = marea("-c", FILE, "explain", "customers", "1,a b", "--json").document["steps"]
    [deliver, *_] = commands_in("\n".join(steps) + "\n")
    assert marea(*deliver[1:], "--json").document["entities"]["customers"]["created"] == 1


def test_the_environment_and_the_default_add_nothing(
    marea: Marea, elsewhere: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAREA_CONFIG", FILE)
    done = marea("sync")
    assert commands(done)
    assert "-c" not in [word for command in commands(done) for word in command]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "next: marea check, marea plan, marea sync\n"),
        (("--output", "b.yaml"), "next: marea -c b.yaml check, marea -c b.yaml plan, marea -c b.yaml sync\n"),
    ],
)
def test_init_names_the_file_it_wrote(
    marea: Marea, elsewhere: Shop, words: tuple[str, ...], said: str
) -> None:
    assert marea("init", "--source", "sqlite:///erp.db", *words).out.endswith(said)
    assert Path(words[1] if words else "marea.yaml").exists()


def test_what_is_no_command_stays_as_it_is() -> None:
    text = "set it before starting marea; marea synchronizes; marea init"
    assert pasteable(text, "b.yaml") == text
