from __future__ import annotations

import io

import pytest

from cli.conftest import Marea, Shop
from marea.cli.progress import CLEAR, Line

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_tells_records_rate_and_time_left() -> None:
    moments = iter([0.0, 0.0, 0.0, 10.0, 10.0])
    out = io.StringIO()
    line = Line(out, lambda: next(moments))
    line.expect("customers", 5000)
    line("customers", 0)
    line("customers", 2000)
    shown = out.getvalue().split(CLEAR)
    assert shown[1] == "customers  0 of 5,000 records"
    assert shown[2] == "customers  2,000 of 5,000 records  200/s  15.0 s left"


def test_the_line_is_not_written_more_often_than_it_can_be_read() -> None:
    out = io.StringIO()
    line = Line(out, lambda: 1.0)
    for settled in range(100):
        line("customers", settled)
    assert out.getvalue().count(CLEAR) == 1


@pytest.mark.integration
def test_a_person_sees_it_and_a_program_does_not(
    marea: Marea, fresh: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert marea("sync").err == ""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    done = marea("sync", "--full", "--json")
    assert "customers" in terminal.getvalue()
    assert terminal.getvalue().endswith(CLEAR)
    assert done.document["kind"] == "full"
