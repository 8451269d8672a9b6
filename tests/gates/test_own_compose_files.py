"""The Compose files of every system that ships satisfy the gate of Compose files."""

from __future__ import annotations

from datetime import date

import pytest
from rendered import artifacts_of
from small_system import GATES

from tarmac.check.gates.subject import Folder

SYSTEMS = ("hello-dd", "shop", "starter", "trading", "travel")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_compose_files_of_a_system_have_no_findings(system):
    files = Folder(artifacts_of(system, "compose"), date(2026, 11, 20))
    assert GATES["IMG015"].scope.of_files(files)
    assert [str(finding) for finding in GATES["IMG015"].check(files)] == []
