"""A run of Marea in a process of its own, made to be killed: prints each step it has committed."""

from __future__ import annotations

import sys

from marea.config.load import load
from marea.engine.clock import system_clock
from marea.engine.request import Request
from marea.engine.run import Runner
from marea.engine.systems import Systems
from marea.store.state import open_state


def main() -> None:
    settings = load(sys.argv[1])
    state, systems = open_state(settings.state), Systems(settings.systems)
    print("started", flush=True)
    runner = Runner(settings, state, systems, system_clock)
    result = runner.run(tuple(settings.entities), Request(), lambda name, count: print(count, flush=True))
    print(result.status.value, flush=True)


if __name__ == "__main__":
    main()
