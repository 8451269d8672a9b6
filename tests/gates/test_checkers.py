"""What shellcheck and hadolint crash on, or cannot read, is judged as well as it can be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from small_system import GATES

from tarmac.base.errors import TarmacError
from tarmac.base.report import Skip
from tarmac.check.gates.programs import val003_shellcheck
from tarmac.check.gates.views import programs
from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

TODAY = date(2026, 11, 20)


def judged(given, place, monkeypatch, gate="VAL003", program="shellcheck"):
    """Judge files by their names, or skip a test without the program on this machine."""
    try:
        programs.find(program)
    except Skip as skip:
        pytest.skip(str(skip))
    monkeypatch.chdir(place)
    for name, text in given.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return folder.judge(Path(), TODAY, [GATES[gate]], lambda _: Suppressions())


def test_a_script_that_is_long_is_read_without_each_way_through_it(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(val003_shellcheck, "run", lambda argv, *_, **__: asked.append(argv) or "")
    given = {"a.sh": "#!/bin/sh\necho a\n", "nvm.sh": "#!/bin/sh\n" + "echo a\n" * 2_001}
    judged(given, tmp_path, monkeypatch)
    assert [(argv[-1], "--extended-analysis=false" in argv) for argv in asked] == [
        ("./a.sh", False),
        ("./nvm.sh", True),
    ]


def test_ends_of_lines_as_windows_has_them_are_told_once_for_a_script(tmp_path, monkeypatch):
    given = {f"{name}.sh": "#!/bin/sh\r\necho a\r\nif true; do\r\n" for name in "ab"}
    report = judged(given, tmp_path, monkeypatch)
    found = [one for one in report.findings if one.what.endswith("SC1017")]
    assert [(one.where.partition(":")[0], one.warning) for one in found] == [
        ("a.sh", False),
        ("b.sh", False),
    ]
    assert len(report.findings) > len(found)


def test_a_template_of_a_script_is_no_script(tmp_path, monkeypatch):
    given = {f"{name}.sh": "#!/bin/bash\nif true; then\n" for name in ("init.tpl", "init")}
    report = judged(given, tmp_path, monkeypatch)
    assert {one.where.partition(":")[0] for one in report.findings} == {"init.sh"}


def test_a_value_that_begins_with_a_sign_of_equality_is_no_error(tmp_path, monkeypatch):
    report = judged({"a.sh": "#!/bin/sh\na==`date`\necho $a\n"}, tmp_path, monkeypatch)
    assert [one.where for one in report.findings if not one.warning] == []
    assert any("SC1097" in one.what for one in report.findings)


def test_where_it_stops_reading_is_told_once_for_a_script(tmp_path, monkeypatch):
    given = {
        "a.sh": '#!/bin/bash\necho "$([ -z git status 2>/dev/null ] && echo clean)"\n',
        "open.sh": "#!/bin/sh\ncat <<EOF\na\n",
        "piped.sh": "#!/bin/sh\ncat <<EOF\na\nEOF | tee b\n",
    }
    report = judged(given, tmp_path, monkeypatch)
    broken = [one.where for one in report.findings if not one.warning]
    assert broken == ["a.sh:2:9", "open.sh:2:5", "piped.sh:2:5"]


def test_scripts_at_which_shellcheck_crashes_are_read_by_halves(tmp_path, monkeypatch):
    def crash(argv, *rest, **options):
        if {"./a.sh", "./b.sh"} <= {*argv} or "./d.sh" in argv:  # one that names the other
            return "shellcheck: Analytics.hs:4009: Non-exhaustive patterns\n\n"
        return run(argv, *rest, **options)

    run = val003_shellcheck.run
    monkeypatch.setattr(val003_shellcheck, "run", crash)
    given = {f"{name}.sh": "#!/bin/sh\nif true; do\n" for name in "abcd"}
    report = judged(given, tmp_path, monkeypatch)
    errors = {one.where[:4] for one in report.findings if one.severity == "error"}
    assert errors == {"a.sh", "b.sh", "c.sh"}
    (crashed,) = (one for one in report.findings if "crashes" in one.what)
    assert (crashed.where, crashed.warning) == ("d.sh", True)


def test_an_older_shellcheck_reads_a_long_script_as_well(tmp_path, monkeypatch):
    def refuse(argv, *rest, **options):
        if "--extended-analysis=false" in argv:
            raise TarmacError("shellcheck: ended with 3: unrecognized option")
        return run(argv, *rest, **options)

    run = val003_shellcheck.run
    monkeypatch.setattr(val003_shellcheck, "run", refuse)
    given = {"a.sh": "#!/bin/sh\n" + "echo a\n" * 2_001 + "if true; do\n"}
    report = judged(given, tmp_path, monkeypatch)
    assert [one.severity for one in report.findings if "SC1" in one.what][:1] == ["error"]


@pytest.mark.parametrize(
    ("text", "line", "is_error"),
    [
        ("echo $((ls; cat) | sort)\n", 1, False),  # the shell that starts it may be any
        ("#!/bin/sh\ncat <<EOF\n  cat <<EOF > a\n  b\n  EOF\nEOF\n", 5, False),
        ("#!/bin/sh\ncat <<EOF\nb\n  EOF\necho a\n", 4, True),
    ],
)
def test_what_a_shell_reads_all_the_same_is_a_warning(text, line, is_error, tmp_path, monkeypatch):
    report = judged({"a.sh": text}, tmp_path, monkeypatch)
    found = [one for one in report.findings if f"a.sh:{line}:" in one.where and "SC1" in one.what]
    assert found, report
    assert any(one.severity == "error" for one in found) is is_error


def test_a_word_that_a_script_replaces_is_a_warning(tmp_path, monkeypatch):
    given = {"Dockerfile": "FROM BASE\nCMD1\nUSER 1\n"}
    report = judged(given, tmp_path, monkeypatch, "VAL004", "hadolint")
    assert [one.warning for one in report.findings if "DL1000" in one.what] == [True]


#: GitHub reads it as `labels.*.name`.
ALL = """\
on: pull_request
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: |
          make '${{ toJSON(github.event.pull_request.labels[*].name) }}'
"""


@pytest.mark.parametrize(("text", "count"), [(ALL, 0), (ALL.replace("[*]", ".a *"), 1)])
def test_all_of_a_list_is_asked_for_in_brackets_as_well(text, count, tmp_path, monkeypatch):
    given = {".github/workflows/a.yml": text}
    report = judged(given, tmp_path, monkeypatch, "VAL020", "actionlint")
    found = [one for one in report.findings if one.severity == "error"]
    assert len(found) == count, found


@pytest.mark.parametrize(
    ("condition", "is_error"),
    [("github.event.pull_request.head.repo.full_name == github.repository", False), ("true", True)],
)
def test_a_branch_that_writers_alone_name_is_a_warning(condition, is_error, tmp_path, monkeypatch):
    text = (
        "on: pull_request_target\npermissions: {}\njobs:\n  a:\n"
        f"    if: {condition}\n    runs-on: ubuntu-24.04\n"
        "    steps: [{run: 'scan ${{ github.head_ref }}'}]\n"
    )
    given = {".github/workflows/a.yml": text}
    report = judged(given, tmp_path, monkeypatch, "VAL022", "zizmor")
    found = [one for one in report.findings if "template-injection" in one.what]
    assert [one.warning for one in found] == [not is_error]
