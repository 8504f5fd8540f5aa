"""What `make bench-loss` counts: rows lost, stale, not deleted, sent needlessly, and what is promised."""

from __future__ import annotations

import pytest
from bench.loss.contest import QUIET, Found, Results
from bench.loss.facts import Fault, Tally, differences, needless, tally
from bench.loss.history import ADDRESS, PARTY
from bench.loss.marea import ALL, PROMISED
from bench.loss.report import broken, failed

pytestmark = pytest.mark.unit


def party(code: str) -> tuple[str, str]:
    return PARTY, code


def test_a_row_is_lost_stale_or_not_deleted() -> None:
    expected = {party("a"): ["1"], party("b"): ["2"], party("c"): ["3"]}
    found = {party("a"): ["1"], party("b"): ["old"], party("d"): ["4"], (ADDRESS, "a"): ["1"]}
    assert dict(differences(expected, found)) == {
        party("b"): Fault.STALE,
        party("c"): Fault.LOST,
        party("d"): Fault.NOT_DELETED,
        (ADDRESS, "a"): Fault.NOT_DELETED,
    }


def test_a_row_that_is_there_twice_is_stale() -> None:
    twice = differences({party("a"): ["1"]}, {party("a"): ["1", "1"]})
    assert dict(twice) == {party("a"): Fault.STALE}


def test_only_a_row_that_is_written_again_as_it_was_is_needless() -> None:
    before = {party("again"): ("1", "7"), party("changed"): ("1", "7"), party("left"): ("1", "7")}
    after = {
        party("again"): ("1", "8"),
        party("changed"): ("2", "8"),
        party("left"): ("1", "7"),
        party("new"): ("1", "8"),
    }
    assert [*needless(before, after)] == [party("again")]


def test_faults_are_counted_by_the_hazard_of_their_row() -> None:
    faults = [(party("a"), Fault.LOST), (party("b"), Fault.LOST), (party("c"), Fault.STALE)]
    found = tally(faults, {party("a"): "late commit"}, QUIET)
    assert found.of("late commit", Fault.LOST) == 1
    assert found.of(QUIET, Fault.LOST) == 1
    assert (found.total(Fault.LOST), found.total(Fault.STALE)) == (2, 1)


@pytest.mark.parametrize(
    ("name", "hazard", "fault", "told"),
    [
        ("watermark", "late commit", Fault.LOST, True),
        ("watermark", "deleted", Fault.NOT_DELETED, False),
        ("trigger", "deleted", Fault.NOT_DELETED, True),
        ("watermark", "direct SQL", Fault.STALE, False),
        ("watermark", "address deleted", Fault.NOT_DELETED, False),
        ("watermark", "direct SQL", Fault.NEEDLESS, True),
        ("xmin", "direct SQL", Fault.STALE, True),
        ("log", "address deleted", Fault.NOT_DELETED, True),
        ("watermark", QUIET, Fault.STALE, True),
    ],
)
def test_a_promise_is_broken_by_what_the_capture_could_notice(name, hazard, fault, told) -> None:
    found = Found(f"marea-{name}", counted(hazard, fault), PROMISED[name])
    assert [*broken([found])] == ([f"marea-{name}: 3 {fault.value} by {hazard}"] if told else [])


def test_a_scan_promises_everything_and_a_peer_nothing() -> None:
    wrong = counted("address deleted", Fault.NOT_DELETED)
    assert len([*broken([Found("scan", wrong, ALL), Found("peer", wrong, None)])]) == 1


def test_a_capture_that_is_absent_has_shown_nothing_and_a_peer_need_not() -> None:
    assert failed(Results(absent={"marea-log": "no slot is left"}))
    assert not failed(Results(absent={"sling": "its wheel has no program for this machine"}))


def counted(hazard: str, fault: Fault) -> Tally:
    found = Tally()
    found.counts[hazard, fault] = 3
    return found
