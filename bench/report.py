"""Owns what the benchmark tells: medians, ratios to the limit, memory, the goals and whether they are met."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contest import Results
from bench.data import JOBS
from bench.pace import Pace
from bench.triggers import Overhead

OURS = "marea"
LIMIT = "raw"
MEMORY_MB = 300
PACE = 0.95


@dataclass(frozen=True, slots=True)
class Goal:
    """What Marea must reach in a job: at most `factor` times the fastest of `rivals`."""

    job: str
    factor: float
    rivals: tuple[str, ...]


GOALS = (
    Goal("A", 1.0, ("ingestr", "dlt")),
    Goal("B", 1.2, (LIMIT,)),
    Goal("C", 1.5, (LIMIT,)),
    Goal("D", 1.0, ("ingestr",)),
    Goal("S", 2.0, (LIMIT,)),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal, what was measured against it, and whether it is met; None where something is missing."""

    what: str
    goal: str
    measured: str
    met: bool | None


def summary(results: Results, rows: int, server: Mapping[str, str]) -> dict[str, Any]:
    """Everything measured, as plain data for a JSON file."""
    return {
        "server": dict(server),
        "rows": rows,
        "versions": results.versions,
        "absent": results.absent,
        "wrong": results.wrong,
        "jobs": {
            letter: {
                name: {
                    "seconds": _median([run.seconds for run in runs]),
                    "cpu_seconds": _median([run.cpu_seconds for run in runs]),
                    "peak_mb": _median([run.peak_mb for run in runs]),
                    "all_seconds": [round(run.seconds, 3) for run in runs],
                }
                for name, runs in by_name.items()
            }
            for letter, by_name in results.runs.items()
        },
    }


def pace(found: Pace) -> dict[str, Any]:
    """One measurement of calls, as plain data for a JSON file."""
    return {
        "what": found.what,
        "calls_a_second": round(found.calls_a_second, 1),
        "share": round(found.share, 3),
    }


def triggers(found: Sequence[Overhead], records_a_second: float) -> dict[str, Any]:
    """What triggers cost, and how fast their notices are followed, as plain data for a JSON file."""
    return {
        "statements": [
            {"what": each.what, "ms": round(each.plain, 3), "noted_ms": round(each.noted, 3)}
            for each in found
        ],
        "records_a_second": round(records_a_second),
    }


def machine() -> dict[str, str]:
    """What it was measured on."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cores": str(os.cpu_count()),
        "processor": names[0].partition(":")[2].strip() if names else platform.machine(),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def verdicts(found: Mapping[str, Any]) -> list[Verdict]:
    """Every goal against what was measured."""
    jobs = found.get("jobs", {})
    speeds = [_speed(goal, jobs[goal.job], found["wrong"]) for goal in GOALS if goal.job in jobs]
    return [*speeds, *_memory(jobs), *map(_pace, found.get("paces", ()))]


def _pace(found: Mapping[str, Any]) -> Verdict:
    measured = f"{found['share']:.2f} ({found['calls_a_second']:,.0f} calls/s)"
    return Verdict(found["what"], f">= {PACE:g} of what latency allows", measured, found["share"] >= PACE)


def _speed(goal: Goal, job: Mapping[str, Any], wrong: Mapping[str, str]) -> Verdict:
    what = f"{goal.job} seconds"
    rivals = {name: job[name]["seconds"] for name in goal.rivals if name in job and name not in wrong}
    text = f"<= {goal.factor:g} x {' and '.join(goal.rivals)}"
    if not rivals or OURS not in job:
        return Verdict(what, text, "not measured", None)
    name = min(rivals, key=rivals.__getitem__)
    ratio = job[OURS]["seconds"] / rivals[name]
    met = ratio <= goal.factor and OURS not in wrong
    return Verdict(what, text, f"{ratio:.2f} x {name} ({job[OURS]['seconds']:.2f} s)", met)


def _memory(jobs: Mapping[str, Any]) -> Iterator[Verdict]:
    peaks = {letter: job[OURS]["peak_mb"] for letter, job in jobs.items() if OURS in job}
    if "A" in peaks:
        yield Verdict("A memory", f"<= {MEMORY_MB} MB", f"{peaks['A']:.0f} MB", peaks["A"] <= MEMORY_MB)
    if peaks.keys() >= {"C", "E"}:
        # Three times the changes: a run that kept them all would show three times what it kept.
        growth = peaks["E"] / peaks["C"]
        yield Verdict("growth", "30 % changed <= 1.15 x 10 % changed", f"{growth:.2f} x", growth <= 1.15)


def text(found: Mapping[str, Any]) -> str:
    """The report for a terminal."""
    facts = found["machine"] | found.get("server", {}) | found.get("versions", {})
    if "rows" in found:
        facts |= {"rows": f"{found['rows']:,}"}
    return "\n".join(
        [
            "",
            *(f"{name + ':':<12}{value}" for name, value in facts.items()),
            *_table(found),
            *_triggers(found),
            "",
            *_goals(found),
            *(f"{name} is absent: {why}" for name, why in found.get("absent", {}).items()),
            *(f"{name} is WRONG: {why}" for name, why in found.get("wrong", {}).items()),
        ]
    )


def _table(found: Mapping[str, Any]) -> list[str]:
    if "jobs" not in found:
        return []
    rows = [("job", "contestant", "seconds", "x limit", "cpu s", "peak MB", "rounds")]
    for job in JOBS:
        measured = found["jobs"].get(job.letter, {})
        limit = measured.get(LIMIT, {}).get("seconds")
        for name, each in sorted(measured.items(), key=lambda item: item[1]["seconds"]):
            ratio = f"{each['seconds'] / limit:.2f}" if limit else ""
            count = str(len(each["all_seconds"]))
            mark = " (wrong)" if name in found["wrong"] else ""
            rows.append(
                (
                    *(job.letter, name + mark, f"{each['seconds']:.2f}", ratio),
                    *(f"{each['cpu_seconds']:.2f}", f"{each['peak_mb']:.0f}", count),
                )
            )
    return ["", *aligned(rows)]


def _triggers(found: Mapping[str, Any]) -> list[str]:
    if "triggers" not in found:
        return []
    rows = [("statement of the source", "ms", "ms with triggers", "x")]
    for each in found["triggers"]["statements"]:
        ratio = each["noted_ms"] / each["ms"]
        rows.append((each["what"], f"{each['ms']:.3f}", f"{each['noted_ms']:.3f}", f"{ratio:.2f}"))
    followed = f"followed by a run: {found['triggers']['records_a_second']:,} changed records a second"
    return ["", *aligned(rows), followed]


def _goals(found: Mapping[str, Any]) -> list[str]:
    words = {True: "met", False: "NOT MET", None: "-"}
    rows = [("Marea", "must reach", "measured", "")]
    rows += [(each.what, each.goal, each.measured, words[each.met]) for each in verdicts(found)]
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table for a terminal: the heads, a rule, the lines."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)
