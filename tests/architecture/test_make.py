"""The commands that a newcomer types: help, the Python floor, one service's tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

BARE = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
INTERNAL = {"sync", "lint", "types"}
#: The first line of a script for a shell.
SHEBANG = re.compile(rb"#!.*\b(ba)?sh\b")


def make(root, *arguments, **environ):
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=root,
        env={**BARE, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_every_target_for_people(root):
    phony = re.search(r"^\.PHONY: (.+)$", (root / "Makefile").read_text(), re.MULTILINE)
    shown = make(root)
    assert shown.returncode == 0
    listed = set(re.findall(r"^  make ([\w-]+) +\S", shown.stdout, re.MULTILINE))
    assert listed == set(phony.group(1).split()) - INTERNAL


def test_make_test_of_one_service_runs_all_its_tests_with_coverage(root, tmp_path):
    # -o sync: the environment that runs this test is the one to use.
    run = make(
        root,
        *("-o", "sync", "test", "SERVICE=cart"),
        "ARGS=-k 'second_start or test_domain' -p no:cacheprovider",
        COVERAGE_FILE=str(tmp_path / "coverage"),
    )
    assert run.returncode == 0, run.stdout
    assert re.search(r"services/cart/tarmac_cart/domain\.py +\d+", run.stdout)
    assert re.search(r"^TOTAL +\d+ +\d+ +\d+%$", run.stdout, re.MULTILINE)
    assert re.search(r"\d+ passed", run.stdout)
    assert "test_servers.py" in run.stdout, "tests on real stores run as well"
    assert "-m" not in run.stdout.splitlines()[0].split(), "no kind of test is left out"


@pytest.fixture
def sync(root, tmp_path):
    """Return a function that runs a copy of the sync script with a python of the test's making."""
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(root / ".ci/sync", tmp_path / ".ci/sync")

    def run(python):
        interpreter = tmp_path / "python"
        interpreter.write_text(python)
        interpreter.chmod(0o755)
        return subprocess.run(
            [script],
            env={**BARE, "PYTHON": str(interpreter)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_python_below_the_floor_is_refused_with_its_version_and_what_to_do(sync):
    refused = sync('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2"\nexit 1\n')
    assert refused.returncode == 3
    assert "too old (Python 3.9.2); install Python 3.11 or newer" in refused.stderr


def test_a_python_without_venv_is_refused_with_the_package_to_install(sync):
    refused = sync('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    assert refused.returncode == 3
    assert "apt-get install python3-venv" in refused.stderr


def test_continuous_integration_runs_lint_and_make_test_and_stops_at_the_first_failure(root):
    script = (root / ".ci/run").read_text()
    assert "set -euo pipefail" in script
    assert "for stage in sync lint test; do" in script
    assert '"${bare[@]}" make "$stage"' in script
    assert os.access(root / ".ci/run", os.X_OK)


def test_bash_can_parse_every_script(root):
    listing = ("git", "ls-files", "-z", ".ci", ".githooks", "src/tarmac/assets")
    listed = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True).stdout
    scripts = [name for name in listed.split("\0") if name and is_script(root / name)]
    assert ".ci/bring" in scripts
    said = {}
    for name in scripts:
        parsing = ("bash", "-n", root / name)
        said[name] = subprocess.run(parsing, capture_output=True, text=True, check=False).stderr
    assert {name: why for name, why in said.items() if why} == {}


def is_script(path):
    """Tell whether a file is for a shell."""
    with path.open("rb") as file:
        return SHEBANG.match(file.readline(80)) is not None


def test_every_script_that_brings_a_program_is_called_by_make_tools(root):
    brought = set(re.findall(r"^(\w+) +\d+ \S", (root / ".ci/bring").read_text(), re.MULTILINE))
    keeps = "/tarmac/programs/"
    bringing = {
        path.name
        for path in (root / ".ci").iterdir()
        if path.is_file() and path.suffix == "" and keeps in path.read_text()
    }
    assert bringing - {"module"} <= brought
    assert {name for name in brought if not (root / ".ci" / name).exists()} == {"definitions"}
