"""Owns the proof that docs/commands.md is true: its tables, its configuration and its commands run in order.

`python tests/cli/test_commands_page.py` writes the outputs of the commands into the page anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from by_hand import run_sql
from marea.cli.arguments import _CAPTURE, _COMMANDS

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?"), "(a moment)"),
    (re.compile(r"\b\d+\.\d s\b|(?<=\"seconds\": )[\d.]+"), "(a while)"),
)


class Play:
    """The page's blocks carried out in a folder, each command in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "TZ": "UTC"}

    def block(self, kind: str, text: str) -> str:
        """What the block should be: itself, or for a console its commands with what they print."""
        if kind == "sql":
            for statement in text.split(";\n"):
                if statement.strip():
                    run_sql(f"sqlite:///{self._folder}/erp.db", statement)
        elif kind == "yaml":
            (self._folder / "marea.yaml").write_text(text, "utf-8")
        elif kind == "console":
            return "".join(self._commands(text))
        return text

    def _commands(self, text: str) -> Iterator[str]:
        for line in text.splitlines():
            if line.startswith("$ "):
                yield line + "\n" + self._output(line)

    def _output(self, line: str) -> str:
        command, _, comment = line.removeprefix("$ ").partition("  # exit code ")
        program, *words = shlex.split(command)
        if program == "cat":
            return (self._folder / words[0]).read_text("utf-8")
        assert program == "marea"
        done = subprocess.run(
            [sys.executable, "-m", "marea", *words],
            cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == int(comment or 0), done.stderr
        return done.stdout + done.stderr


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, instead in CHANGING:
        text = pattern.sub(instead, text)
    return re.sub(r" +", " ", text)


def test_every_command_prints_what_the_page_says(tmp_path: Path) -> None:
    play = Play(tmp_path)
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        assert steady(play.block(kind, text)) == steady(text)


def test_every_command_and_every_option_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert [name for name in _COMMANDS if f"## marea {name}\n" not in page] == []
    named = set(re.findall(r"`(--[a-z-]+)", page))
    known = {"--help", "--config"}
    for words in (*([name] for name in _COMMANDS), *(["capture", name] for name in _CAPTURE)):
        done = subprocess.run(
            [sys.executable, "-m", "marea", *words, "--help"], capture_output=True, text=True, check=True
        )
        known |= set(re.findall(r"--[a-z-]+", done.stdout))
    assert named - {"--version"} <= known
    assert known - named == {"--config"}


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        play = Play(Path(name))
        written = PAGE.read_text("utf-8")
        anew = BLOCK.sub(lambda found: f"```{found[1]}\n{play.block(found[1], found[2])}```\n", written)
        PAGE.write_text(anew, "utf-8")
