"""A run of Marea in a process of its own, made to be killed: prints each step it has committed.

`child.py marea.yaml` runs to its end. `child.py marea.yaml endless` never ends a first load: whenever it
is killed, the kill hits the load. `child.py marea.yaml COMMITS ROWS` reads pages of so many rows and kills
itself when the target has a batch that its state, after so many commits, lacks.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from marea.capture.batch import BatchReader
from marea.config.load import load
from marea.engine.entity.clock import system_clock
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.engine.run.runner import Runner
from marea.store.commit import Commit
from marea.store.state import State, open_state


def die_after(commits: int) -> None:
    """The process dies for good where it would commit another delivered batch."""
    real, left = State.commit, [commits]

    def commit(self: State, commit: Commit) -> None:
        if commit.intent is not None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        real(self, commit)

    State.commit = commit  # type: ignore[method-assign]


def never_end() -> None:
    """The process prints `held` and waits to be killed where it would commit the end of a first load."""
    real = State.commit

    def commit(self: State, commit: Commit) -> None:
        if commit.position is not None and "sweep" not in json.loads(commit.position.new):
            print("held", flush=True)
            signal.pause()
        real(self, commit)

    State.commit = commit  # type: ignore[method-assign]


def main() -> None:
    if sys.argv[2:] == ["endless"]:
        never_end()
    elif len(sys.argv) > 2:
        die_after(int(sys.argv[2]))
        BatchReader.__init__.__defaults__ = (int(sys.argv[3]),)  # type: ignore[misc]
    settings = load(sys.argv[1])
    state, systems = open_state(settings.state), Systems(settings)
    print("started", flush=True)
    runner = Runner(settings, state, systems, system_clock)
    result = runner.run(tuple(settings.entities), Request(), lambda name, count: print(count, flush=True))
    print(result.status.value, flush=True)


if __name__ == "__main__":
    main()
