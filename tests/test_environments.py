"""What tests need beside our packages: where it cannot be had they are left out, and fail with CI=true."""

from __future__ import annotations

from pathlib import Path

import pytest

from absent import left_out
from environments import NotInstalled, install

pytestmark = pytest.mark.integration


def test_what_cannot_be_installed_is_said(tmp_path: Path) -> None:
    pinned = tmp_path / "packages.txt"
    pinned.write_text("./nowhere\n")
    with pytest.raises(NotInstalled, match="nowhere"):
        install(tmp_path / "environment", pinned)


def test_what_is_installed_is_kept_until_its_packages_change(tmp_path: Path) -> None:
    pinned = tmp_path / "packages.txt"
    pinned.write_text("# nothing\n")
    python = install(tmp_path / "environment", pinned)
    made = python.lstat().st_ctime_ns
    assert install(tmp_path / "environment", pinned).lstat().st_ctime_ns == made
    pinned.write_text("# nothing else\n")
    assert install(tmp_path / "environment", pinned).lstat().st_ctime_ns != made


def test_nothing_is_left_out_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Tryton"):
        left_out("no Tryton")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Tryton"):
        left_out("no Tryton")
