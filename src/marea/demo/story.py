"""Owns `marea demo`: a Mago4-like ERP, a CRM, and the story of both, checked step by step."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from marea.demo.rows import Size
from marea.demo.scene import Scene
from marea.demo.steps import STEPS
from marea.demo.teller import Broken, Teller
from marea.errors import ConfigurationError


def main(keep: Path | None = None, size: Size | None = None, out: TextIO | None = None) -> int:
    """Tell the story; gives the exit code: 0 when every promise held, 1 when one did not.

    `keep` names a new or empty folder that stays, so that the user can go on from there.
    Raises ConfigurationError when it holds something.
    """
    teller = Teller(out or sys.stdout)
    with _folder(keep) as folder, Scene(folder, size or Size(), teller) as scene:
        try:
            tell(scene)
        except Broken as broken:
            teller.say(f"The demo did not keep a promise. {broken}")
            return 1
        go_on(scene, kept=keep is not None)
        return 0


def tell(scene: Scene) -> None:
    """All steps in order. Raises Broken at the first promise that does not hold."""
    started = time.monotonic()
    size = scene.size
    scene.teller.title("Marea keeps the applications around an ERP aligned with it.")
    scene.teller.say(
        f"On this machine, in {scene.folder}: an ERP with Mago4's tables ({size.customers:,} customers,"
        f" {size.items:,} items) and a CRM web service in a process of its own. Lines with $ are commands of"
        " Marea, run as they stand here; each line with ✓ is a claim that was just checked."
    )
    for number, (title, step) in enumerate(STEPS, 1):
        scene.teller.step(f"{number} of {len(STEPS)}  {title}")
        step(scene)
    seconds = time.monotonic() - started
    scene.teller.title(f"All {scene.teller.proved} checks held in {seconds:.0f} s: ERP and CRM are aligned.")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="marea-demo-") as name:
            yield Path(name)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        used = any(keep.iterdir())
    except OSError as error:
        why = error.strerror or error
        raise ConfigurationError.single(
            f"{keep} cannot be made: {why}", hint="name a new folder for the demo"
        ) from None
    if used:
        raise ConfigurationError.single(f"{keep} is not empty", hint="name a new folder for the demo")
    yield keep.resolve()


def go_on(scene: Scene, *, kept: bool) -> None:
    """What to type next: in the folder that stays, or to have one; then with a database of one's own."""
    teller = scene.teller
    teller.title("To go on from here")
    for line in (*_reach_commands(), *(_in_its_folder(scene) if kept else ["marea demo --keep demo"])):
        teller.command(line)
    if not kept:
        teller.say("That plays it once more, in a folder that stays, and says how to go on in it.")
    teller.say("With a database of your own: marea init --source URL")


def _reach_commands() -> Iterator[str]:
    """Has the shell find `marea` and its `python`, unless it does."""
    folder = Path(sys.executable).parent
    found = (shutil.which(name) for name in ("marea", "python"))
    if any(path is None or Path(path).parent != folder for path in found):
        yield f'export PATH={shlex.quote(str(folder))}:"$PATH"'


def _in_its_folder(scene: Scene) -> Iterator[str]:
    yield f"cd {shlex.quote(str(scene.folder))}"
    yield f"python -m marea.demo.crm --storage crm.db --port {scene.crm.port} &"
    yield "marea status"
    yield "marea sync"
