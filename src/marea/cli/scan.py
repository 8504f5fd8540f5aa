"""Owns `marea scan`: all records compared with what is known of them, the differences delivered or told."""

from __future__ import annotations

from argparse import Namespace

from marea.cli.common import opened
from marea.cli.signals import stopping


def scan(options: Namespace) -> int:
    """Delivers what differs, or with `--report` tells it."""
    return _report(options) if options.report else _run(options)


def _run(options: Namespace) -> int:
    from marea.cli.progress import watched
    from marea.cli.sync import told

    with stopping(json=options.json) as stop, opened(options) as project:
        names = project.names(options.entities)
        with watched(project, names, full=False, selects=False) as progress:
            run = project.scan(names, progress=progress, stop=stop)
        return told(project, run, options)


def _report(options: Namespace) -> int:
    from marea.cli.plan import show

    with opened(options) as project:
        found = project.plan(options.entities, scan=True, limit=options.limit or options.limit_default)
    show(found, "`marea scan`", options)
    return 0
