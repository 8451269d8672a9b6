"""What actionlint, hadolint and shellcheck refuse, and GitHub, Docker or a chart takes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from small_system import GATES

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

NEEDS = {"VAL003": "shellcheck", "VAL004": "hadolint", "VAL020": "actionlint"}
OF_CREATED = """\
on: {create: {tags: [a]}}
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps: [{run: make}]
"""
ASKED_BY_JOBS = OF_CREATED.replace("    steps", "    if: github.ref == 'refs/tags/a'\n    steps")
ON = OF_CREATED.replace("create: {tags: [a]}", "push").replace(
    "    steps", "    if: true\n    steps"
)
#: A gate, a file, one of its lines, and how bad that is.
CASES = (
    ("VAL004", "Dockerfile.labels", "# To add.\nLABEL a=b\n", "Dockerfile.labels:2:", True),
    ("VAL004", "a/Dockerfile", "LABEL a=b\nUSER 1\n", "Dockerfile:1:", False),
    (
        "VAL004",
        "b/Dockerfile",
        "FROM b:1\nRUN ls && \\\n    \n    # More.\n    cat /a\n",
        "Dockerfile:5:",
        True,
    ),
    ("VAL004", "c/Dockerfile", "FROM b:1\nRUN ls\ncat /a\n", "Dockerfile:3:", False),
    ("VAL003", "a.sh", "#!/bin/bash\nif !(ls); then ls; fi\n", "a.sh:2:", True),
    ("VAL003", "b.sh", "#!/bin/bash\nif !ls; then\n  ls\nfi\n", "b.sh:2:", False),
    (
        "VAL003",
        "c.sh",
        "#!/bin/bash\nshopt -s extglob\nif !(ls); then ls; fi\n",
        "c.sh:3:",
        False,
    ),
    ("VAL020", ".github/workflows/a.yml", OF_CREATED, "a.yml:1:", False),
    ("VAL020", ".github/workflows/b.yml", ASKED_BY_JOBS, "b.yml:1:", True),
    ("VAL020", ".github/workflows/c.yml", ON, "c.yml:6:", True),
    ("VAL020", ".github/workflows/d.yml", ON.replace("true", "true && true"), "d.yml:6:", False),
)


def judged(gate, given, place, monkeypatch):
    try:
        programs.find(NEEDS[gate])
    except Skip as skip:
        pytest.skip(str(skip))
    monkeypatch.chdir(place)
    for name, text in given.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return folder.judge(Path(), date(2026, 11, 20), [GATES[gate]], lambda _: Suppressions())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_what_its_reader_takes_is_a_warning(case, tmp_path, monkeypatch):
    gate, name, text, where, is_warning = case
    report = judged(gate, {name: text}, tmp_path, monkeypatch)
    found = [finding for finding in report.findings if where in finding.where]
    assert found, report
    assert all(finding.warning for finding in found) == is_warning


def test_a_pattern_of_branches_that_is_none_is_told_once(tmp_path, monkeypatch):
    text = OF_CREATED.replace("create: {tags: [a]}", "push: {branches: ['/.*-stable/']}")
    report = judged("VAL020", {".github/workflows/a.yml": text}, tmp_path, monkeypatch)
    assert [one.where.rpartition("/")[2][:8] for one in report.findings] == ["a.yml:1:"]


def test_a_script_that_a_chart_fills_in_is_not_judged(tmp_path, monkeypatch):
    text = "#!/bin/sh\nif [ -f {{ .Values.jars }}/a.jar ]\nthen\n  ls\nfi\n"
    chart = "apiVersion: v2\nname: a\nversion: 1.0.0\n"
    given = {"a/Chart.yaml": chart, "a/files/run.sh": text, "make-chart.sh": text}
    report = judged("VAL003", given, tmp_path, monkeypatch)
    assert {one.where.partition(":")[0] for one in report.findings} == {"make-chart.sh"}
