"""Owns the measure of the tree (`make tree`): each module, what it owns, its lines, the longest functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

HOME = Path(__file__).parents[1]
SHOWN = 10
MODULE_LINES, FUNCTION_LINES, MEDIAN_LINES = 300, 40, 6
"""What is longer has two owners, or two tasks."""


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A function, decorators and docstring not counted apart."""

    lines: int
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file by its path from the project's folder."""

    path: str
    lines: int
    functions: tuple[Function, ...]
    owns: str
    """The sentence it opens with; empty where it has none."""


@cache
def modules(folder: str) -> list[Module]:
    """The modules below a folder of the project, by path."""
    files = sorted((HOME / folder).rglob("*.py"))
    return [_module(str(file.relative_to(HOME)), file.read_text("utf-8")) for file in files]


def _module(path: str, text: str) -> Module:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    parsed = ast.parse(text)
    found = [node for node in ast.walk(parsed) if isinstance(node, kinds)]
    functions = (Function((node.end_lineno or 0) - node.lineno + 1, path, node.name) for node in found)
    owns = " ".join((ast.get_docstring(parsed) or "").partition("\n\n")[0].split())
    return Module(path, text.count("\n"), tuple(functions), owns)


def listing() -> Iterator[str]:
    """Each module with its lines, its longest function and what it owns; then all of src in numbers."""
    for folder in ("src", "tests", "bench"):
        for module in modules(folder):
            longest = max(module.functions, default=None)
            told = f"{longest.lines:4} {longest.name}" if longest else ""
            yield f"{module.lines:5} {module.path:52} {told:42} {module.owns}".rstrip()
    yield ""
    yield from _numbers(modules("src"))


def _numbers(found: list[Module]) -> Iterator[str]:
    functions = sorted((each for module in found for each in module.functions), reverse=True)
    lines = [module.lines for module in found]
    yield f"src: {sum(lines)} lines in {len(lines)} modules, the longest {max(lines)}"
    yield f"src: {len(functions)} functions, the median {middle(found):g} lines; the longest:"
    yield from (f"{each.lines:5} {each.module}: {each.name}" for each in functions[:SHOWN])
    yield f"src: over {MODULE_LINES} and {FUNCTION_LINES} lines: {', '.join(over(found)) or 'none'}"


def middle(found: list[Module]) -> float:
    """The median of the functions' lines."""
    return median(each.lines for module in found for each in module.functions)


def over(found: list[Module]) -> list[str]:
    """The modules and functions that are longer than they may be."""
    functions = (each for module in found for each in module.functions)
    long = [module.path for module in found if module.lines > MODULE_LINES]
    return long + [f"{each.module}: {each.name}" for each in functions if each.lines > FUNCTION_LINES]


if __name__ == "__main__":
    print("\n".join(listing()))
