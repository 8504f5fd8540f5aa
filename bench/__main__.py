"""`python -m bench`: Marea beside its peers and the limit, on a server of its own; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench import report
from bench.contest import Contest, say
from bench.contestants import CONTESTANTS
from bench.data import JOBS
from bench.pace import paces
from bench.server import SETTINGS, BenchServer
from bench.triggers import overheads

BUILD = Path(__file__).resolve().parent.parent / "build"


def arguments() -> argparse.Namespace:
    """What to measure."""
    jobs = [*(f"{j.letter} {j.title}" for j in JOBS), "R calls to a REST application", "T triggers"]
    parser = argparse.ArgumentParser(prog="bench", description="Marea beside its peers and the limit.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (1,000,000)")
    parser.add_argument("--rounds", type=int, help="rounds of every job (A 3, E 1, the others 5)")
    parser.add_argument(
        "--only",
        default="A,B,C,D,S,E,R,T",
        help=f"jobs: {'; '.join(jobs)}".replace("%", "%%"),
    )
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="whom to measure")
    return parser.parse_args()


def main() -> None:
    """Run what was asked for and report it."""
    wanted = arguments()
    found: dict[str, Any] = {"machine": report.machine()}
    if "R" in wanted.only:
        say("calls to a REST application")
        found["paces"] = [report.pace(each) for each in paces()]
    if "T" in wanted.only:
        say("what triggers cost the source")
        found["triggers"] = report.triggers(*overheads())
    if wanted.only.strip("RT,"):
        found |= contest(wanted)
    latest = BUILD / "bench" / "latest.json"
    latest.parent.mkdir(parents=True, exist_ok=True)
    latest.write_text(json.dumps(found, indent=2) + "\n")
    print(report.text(found))
    say(f"\nall of it: {latest.relative_to(BUILD.parent)}")


def contest(wanted: argparse.Namespace) -> dict[str, Any]:
    """Marea beside its peers on a database server; what was measured."""
    server = BenchServer()
    try:
        server.start()
        contest = Contest(server, wanted.rows, BUILD / "bench", BUILD / "bench-peers")
        contest.prepare(wanted.contestants.split(","))
        contest.run(wanted.only, wanted.rounds)
        settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
        facts = {"postgresql": server.version(), "settings": settings}
    finally:
        server.close()
    return report.summary(contest.results, wanted.rows, facts)


if __name__ == "__main__":
    main()
