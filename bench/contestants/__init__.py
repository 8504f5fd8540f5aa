"""The contestants by name, in the order of the report."""

from __future__ import annotations

from bench.contestants.base import Contestant
from bench.contestants.dlt import Dlt
from bench.contestants.ingestr import Ingestr
from bench.contestants.marea import Marea
from bench.contestants.raw import RawCopy, RawMerge
from bench.contestants.sling import Sling

CONTESTANTS: dict[str, type[Contestant]] = {
    each.name: each for each in (Marea, Ingestr, Sling, Dlt, RawMerge, RawCopy)
}
