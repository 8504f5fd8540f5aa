"""Owns finding the records that wait for each other in a circle, and saying so in their troubles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from marea.engine.entity.keys import shown
from marea.model import CIRCLE, Problem

if TYPE_CHECKING:
    from marea.store.state import State
    from marea.store.waits import Node

MOST = 100_000  # waiting records looked at in one run
SHOWN = 6  # records of a circle that are named

_HINT = "break the circle in the source, or leave the reference out of the mapping of one of these entities"


def tell_circles(state: State) -> None:
    """Puts into the trouble of each waiting record whether it waits in a circle, or for one that does."""
    waits = state.waits.chained(MOST)
    found = circles({wait.record: wait.parent for wait in waits})
    over = [wait for wait in state.waits.circling(MOST) if wait.record not in found]
    if not (found or over):
        return
    names = {row.id: row.name for row in state.entities()}
    words = [(w, _circle(w.record, found[w.record], names)) for w in waits if w.record in found]
    words += [(wait, Problem.waiting(names[wait.parent[0]], wait.parent[1])) for wait in over]
    state.waits.say(words)


def circles(parents: Mapping[Node, Node]) -> dict[Node, Sequence[Node]]:
    """Record -> the circle it ends in when one follows who waits for whom; only where there is one.

    A circle begins with the record itself, else with the one by which it is entered.
    """
    found: dict[Node, Sequence[Node]] = {}
    done: set[Node] = set()
    for start in parents:
        path: dict[Node, int] = {}
        node: Node | None = start
        while node is not None and node not in path and node not in done:
            path[node] = len(path)
            node = parents.get(node)
        if node is not None:
            _enter(list(path), path.get(node), node, found)
        done.update(path)
    return found


def _enter(path: list[Node], place: int | None, node: Node, found: dict[Node, Sequence[Node]]) -> None:
    """Notes the circle that a path has come to: one it closes itself at `place`, or a known one at `node`."""
    if place is not None:
        ring = path[place:]
        found |= {one: ring[index:] + ring[:index] for index, one in enumerate(ring)}
    if node in found:
        found |= dict.fromkeys(path[:place], found[node])


def _circle(record: Node, ring: Sequence[Node], names: Mapping[int, str]) -> Problem:
    parts = [_name(node, names) for node in [*ring[:SHOWN], ring[0]]]
    if len(ring) > SHOWN:
        parts.insert(SHOWN, f"… {len(ring) - SHOWN} more")
    text = f"{parts[0]} waits for itself" if len(ring) == 1 else f"a circle: {' -> '.join(parts)}"
    if record != ring[0]:
        text = f"it waits in the end for {text}" if len(ring) > 1 else text
    return Problem(CIRCLE, text, hint=_HINT)


def _name(node: Node, names: Mapping[int, str]) -> str:
    return f"{names.get(node[0], node[0])} {shown(node[1])}"
