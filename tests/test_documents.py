"""Owns the proof that the pages are true: links, paths, words, configurations and commands in them."""

import re
from itertools import chain
from pathlib import Path

import pytest

from marea.cli.arguments import _COMMANDS
from marea.model import Cause, Outcome, RunStatus

pytestmark = pytest.mark.unit

HOME = Path(__file__).parent.parent
PAGES = [*HOME.glob("*.md"), *(HOME / "docs").glob("*.md")]
LAYERS = "sql|store|capture|mapping|planning|delivery|engine|connectors"


def text(name):
    return (HOME / name).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8"))
    gone = [link for link in targets if "://" not in link and not (page.parent / link).exists()]
    assert gone == []


def test_pages_that_the_code_names_are_there():
    files = [*(HOME / "src").rglob("*.py"), *(HOME / "tests").rglob("*.py"), HOME / "pyproject.toml"]
    named = {page for file in files for page in re.findall(r"[\w/-]*\w\.md\b", file.read_text("utf-8"))}
    assert {"docs/errors.md", "docs/runs.md", "docs/hazards.md", "docs/glossary.md"} <= named
    pages = {page.name for page in PAGES} | {str(page.relative_to(HOME)) for page in PAGES}
    assert sorted(named - pages) == []


def test_every_page_is_reached_from_the_readme():
    linked = set(re.findall(r"\]\((docs/[^)#]+)", text("README.md")))
    assert {f"docs/{page.name}" for page in (HOME / "docs").glob("*.md")} - linked == set()


def test_files_named_by_the_architecture_are_there():
    named = re.findall(rf"`((?:{LAYERS})/[\w/]*(?:\.\w+)?)`", text("ARCHITECTURE.md"))
    assert len(named) > 10
    assert [name for name in named if not (HOME / "src/marea" / name).exists()] == []


def test_layers_are_those_that_the_lint_enforces():
    picture = text("ARCHITECTURE.md").split("## Layers")[1].split("\n- ")[0]
    drawn = [line.split("  ")[0] for line in re.findall(r"^    (\S.*)$", picture, re.MULTILINE)]
    contract = text("pyproject.toml").split("layers = [")[1].split("]")[0]
    assert drawn == re.findall(r'"(.+)"', contract.replace("marea.", ""))


def test_every_invariant_is_stated_once():
    assert re.findall(r"\*\*(I\d+)\*\*", text("ARCHITECTURE.md")) == [f"I{n}" for n in range(1, 11)]


def test_the_code_cites_every_invariant_and_no_other():
    sources = [path.read_text("utf-8") for path in (HOME / "src").rglob("*.py")]
    cited = set(chain.from_iterable(re.findall(r"\bI\d+\b", source) for source in sources))
    assert cited == {f"I{n}" for n in range(1, 11)}


def test_the_glossary_has_every_word_of_the_model():
    glossary = text("docs/glossary.md")
    words = [word.value for kind in (Outcome, Cause, RunStatus) for word in kind if word != RunStatus.RUNNING]
    assert [word for word in words if word not in glossary] == []


def test_chores_named_in_the_pages_are_in_the_makefile():
    chores = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`", text("README.md") + text("CONTRIBUTING.md")))
    assert named
    assert named <= chores


def test_commands_named_in_the_pages_are_there():
    named = {word for page in PAGES for word in re.findall(r"(?<![\w=-])marea ([a-z]+)", code(page))}
    assert {"sync", "check", "explain"} <= named
    assert named <= _COMMANDS.keys()


def code(page):
    """What stands in backticks."""
    return "\n".join(
        chain.from_iterable(re.findall(r"```.*?\n(.*?)```|`([^`\n]+)`", page.read_text("utf-8"), re.DOTALL))
    )


def test_the_readmes_configuration_is_taken_from_the_demos():
    template = text("src/marea/demo/data/marea.yaml").splitlines()
    lines = iter(template)
    [excerpt] = re.findall(r"```yaml\n(.*?)```", text("README.md"), re.DOTALL)
    foreign = [line for line in excerpt.splitlines() if line.strip() and line not in lines]
    assert foreign == []
