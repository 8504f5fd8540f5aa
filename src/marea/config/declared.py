"""Owns the finding of connectors, and what each declares of itself before any system is known.

What Marea brings is found by its folder; what other packages bring by their entry points, which
are scanned only where no folder will do: that costs more than a run with nothing to do. They are
found by name, so that no layer below them imports one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from marea.config.mistake import Mistake
from marea.config.names import suggest

GROUP = "marea.connectors"
"""The package of the folders, and the group of the entry points."""

_FOLDER = Path(__file__).parents[1] / "connectors"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The attribute `declares` of a connector's class; schemes are in lower case."""

    schemes: tuple[str, ...]
    """The URL schemes that choose it."""
    named: tuple[str, ...] = ()
    """Further ones that it serves where `connector:` names it, such as https for one application."""
    database: bool = True
    """Whether it keeps records in tables: `connector: sql` takes any such."""
    file: bool = False
    """Whether a URL is the path of a file, which the first write may make."""
    parameters: tuple[str, ...] | None = None
    """The parameters that its URLs may have behind a `?`; None where it looks at them itself."""
    starter: tuple[str, ...] = ()
    """Lines that `marea init` writes below the url of a target, to begin from."""

    def serves(self, scheme: str, named: str | None) -> bool:
        """Whether a URL of that scheme is its own, where `connector:` says `named`."""
        if named is None or named == "sql":
            return scheme in self.schemes and (named is None or self.database)
        return scheme in (*self.schemes, *self.named)


def class_name(name: str) -> str:
    """What the class of a connector with a folder is called: `SqliteConnector`."""
    return f"{name.capitalize()}Connector"


def built_in(name: str) -> bool:
    """Whether it is a connector that Marea brings: a folder among its connectors."""
    return name.isidentifier() and (_FOLDER / name / "__init__.py").is_file()


def connectors() -> list[str]:
    """The names of all connectors, those that other packages bring included, sorted."""
    return sorted({*_folders(), *_installed()})


def known(name: str) -> str:
    """The name of a connector that is there. Raises Mistake where it is not."""
    if not built_in(name) and name not in _installed():
        raise Mistake(f"there is no connector {name}", suggest(name, ["sql", *connectors()]))
    return name


def found(name: str) -> Any:
    """The class of a connector. Raises Mistake where there is none, or where it cannot be imported."""
    load = _in_folder if built_in(name) else _in_package
    try:
        return load(known(name))
    except Mistake:
        raise
    except Exception as error:  # what a package does when it is imported is its own
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        words = f"the connector {name} cannot be used: {kind}{error}"
        raise Mistake(" ".join(words.split()), "mend or remove its package") from None


def declared(name: str) -> Declaration:
    """What a connector says of itself. Raises Mistake as `found`, and where it says nothing."""
    says = getattr(found(name), "declares", None)
    if not isinstance(says, Declaration):
        raise Mistake(f"the connector {name} does not say what it serves", "its class needs `declares`")
    return says


def serving(scheme: str, named: str | None) -> str | None:
    """The connector that a scheme chooses, where `connector:` says nothing or `sql`; None: there is none.

    What Marea brings goes first: a package that is installed changes no configuration that is there.
    One that cannot be used stands in the way of no other.
    """
    usable = ((name, _says(name)) for name in _nearest_first(scheme))
    serves = (name for name, says in usable if isinstance(says, Declaration) and says.serves(scheme, named))
    return next(serves, None)


def schemes(named: str | None) -> list[str]:
    """Every URL scheme that is served, where `connector:` says `named`."""
    every = [says for says in _considered(named) if isinstance(says, Declaration)]
    offered = [scheme for says in every for scheme in (*says.schemes, *says.named)]
    return sorted({scheme for scheme in offered if any(says.serves(scheme, named) for says in every)})


def unusable(named: str | None) -> list[str]:
    """Why each connector that cannot be used cannot, of those considered where `connector:` says `named`."""
    return [says.message for says in _considered(named) if isinstance(says, Mistake)]


def _considered(named: str | None) -> list[Declaration | Mistake]:
    return [_says(name) for name in connectors() if named in (None, "sql", name)]


def _says(name: str) -> Declaration | Mistake:
    """What a connector says of itself, else what is wrong with it."""
    try:
        return declared(name)
    except Mistake as mistake:
        return mistake


def _nearest_first(scheme: str) -> Iterator[str]:
    if built_in(scheme):  # most are named like their scheme: the others need not be imported then
        yield scheme
    yield from _folders()
    yield from _installed()


def _in_folder(name: str) -> Any:
    return getattr(import_module(f"{GROUP}.{name}"), class_name(name))


def _in_package(name: str) -> Any:
    return _installed()[name].load()


def _folders() -> list[str]:
    return sorted(folder.name for folder in _FOLDER.iterdir() if built_in(folder.name))


def _installed() -> dict[str, Any]:
    from importlib.metadata import entry_points  # slow: what Marea brings is found without it

    return {point.name: point for point in entry_points(group=GROUP)}
