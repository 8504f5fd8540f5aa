"""`python -m bench.loss`: which changes Marea and its peers miss in one history; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.loss import report
from bench.loss.contest import LossServer, Replay, entrants
from bench.loss.generate import Size, generate

USUAL = Size()
BUILD = Path(__file__).resolve().parents[2] / "build"


def arguments() -> argparse.Namespace:
    """What to replay."""
    parser = argparse.ArgumentParser(prog="bench.loss", description="What is missed in one history.")
    parser.add_argument("--seed", type=int, default=1, help="another history")
    parser.add_argument("--quiet", type=int, default=USUAL.quiet, help="parties that nothing happens to")
    parser.add_argument("--each", type=int, default=USUAL.each, help="rows of a hazard")
    parser.add_argument("--steps", type=int, default=USUAL.steps, help="steps in which hazards mingle")
    parser.add_argument("--contestants", default=",".join(entrants()), help="against whom")
    return parser.parse_args()


def main() -> int:
    """Replay it and report; 1 where Marea did not keep a promise, or could not be asked."""
    wanted = arguments()
    history = generate(wanted.seed, Size(wanted.quiet, wanted.each, wanted.steps))
    server = LossServer()
    try:
        server.start()
        replay = Replay(server, history, BUILD / "bench-loss", BUILD / "bench-peers")
        replay.run(wanted.contestants.split(","))
        counted = f"{len(history.parties):,} parties, {len(history.addresses):,} addresses"
        facts = {"postgresql": server.version(), "seed": str(wanted.seed), "rows at first": counted}
    finally:
        server.close()
    print(report.text(replay.results, history, facts))
    return 1 if report.failed(replay.results) else 0


if __name__ == "__main__":
    sys.exit(main())
