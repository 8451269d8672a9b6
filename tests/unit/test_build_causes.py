"""The line that says why a build failed is found in what its tools print."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tarmac.run.local.diagnostics.causes import likely_cause

LOGS = yaml.safe_load(Path(__file__).with_name("build_logs.yaml").read_text())


@pytest.mark.parametrize("name", LOGS)
def test_the_cause_of_a_failed_build_is_its_tools_own_line(name):
    lines = LOGS[name]["log"].splitlines()
    assert likely_cause(1, lines) == LOGS[name]["cause"]
    assert (
        likely_cause(1, ["starts", *lines, "", "npm error Lifecycle script failed"])
        == (LOGS[name]["cause"])
    ), "whatever the script that runs it adds"


def test_a_full_disk_is_the_cause_whatever_a_compiler_says_of_it():
    lines = [*LOGS["cargo, a mistake"]["log"].splitlines(), "ld: No space left on device"]
    assert "the disk is full" in likely_cause(1, lines)


@pytest.mark.parametrize(
    "line",
    [
        "2026/11/23 10:00:00 main.go:12: listening",
        "\tmain.go:12 +0x1d",
        "Could not resolve shop:web:8080",
        "released: release version 21",
        "ERROR: no route",
    ],
)
def test_what_a_running_program_prints_is_no_failed_build(line):
    assert likely_cause(1, [line, "KeyError: 'API_KEY'"]).startswith("missing environment")
