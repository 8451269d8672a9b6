"""A script that an image starts is found where its mode does not let it be executed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from small_system import GATES

from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

DOCKERFILE = 'FROM alpine:3.20\nCOPY run.sh /run.sh\nENTRYPOINT ["/run.sh"]\n'


@pytest.mark.parametrize(
    ("mode", "settings", "found"),
    [
        (0o755, "[core]\n\tfilemode = true\n", []),
        (0o644, "[core]\n\tfilemode = true\n", ["error"]),
        (0o644, "[core]\n\tfilemode = false\n", ["warning"]),
        (0o644, "", ["warning"]),
    ],
)
def test_a_mode_is_an_error_in_a_checkout_that_keeps_modes(
    tmp_path, monkeypatch, mode, settings, found
):
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text(DOCKERFILE)
    Path("run.sh").write_text("#!/bin/sh\n")
    Path("run.sh").chmod(mode)
    if settings:
        Path(".git").mkdir()
        Path(".git/config").write_text(settings)
    report = folder.judge(Path(), date(2026, 11, 20), [GATES["IMG051"]], lambda _: Suppressions())
    assert [finding.severity for finding in report.findings] == found
