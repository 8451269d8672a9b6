"""A cut-over waits for its checklist: by hand, by `promote`, and in the pipeline that is rendered.

The pipeline's steps are run as they stand in the workflow, with this machine's tarmac and pytest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import warm
import yaml
from git_repository import ENV, clone, git, push, remote

MODEL = """\
tarmac: 1
system: mini
services:
  web: {run: [npm, start], port: 8080}
environments:
  stg:
    registry: r.example.com/stg
    version: 1.2.0
  production:
    registry: r.example.com/prod
    packaging: [helm]
    checklist: true
  repository: {target: repository}
delivery: {repository: "https://git.example.com/mini"}
"""
CHECKLIST = """\
checklist: 1
items:
  - {id: probes, phase: kubernetes, title: Probes, proofs: [{gate: REL001}]}
  - id: drained
    phase: kubernetes
    title: Nothing is lost
    proofs: [{test: "tests/test_web.py::test_nothing_is_lost", level: observed}]
  - {id: backups, phase: recovery, title: Backups, needs: cloud}
"""
TEST = "def test_nothing_is_lost(): assert {}\n\ndef test_another(): assert False\n"
TODAY = datetime.now(UTC).date()


class Repository:
    """A code base with a model, a checklist and the pipeline that is rendered from them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "code"

    def begin(self) -> None:
        """Make its files and push them."""
        clone(remote(self.root.with_name("code.git")), self.root)
        (self.root / "tests").mkdir()
        self.write("tarmac.yaml", MODEL)
        self.write("checklist.yaml", CHECKLIST)
        self.write("tests/test_web.py", TEST.format(True))
        self.tarmac("render", "--env", "repository", "--out", ".", code=0)
        data = json.loads((self.root / "ci/services.json").read_text())
        # uv would bring both into an environment of their own.
        self.write("ci/services.json", json.dumps({**data, "tarmac": ["env", "tarmac"]}))
        push(self.root, "feat: a system")

    @property
    def jobs(self) -> dict[str, Any]:
        return yaml.safe_load((self.root / ".github/workflows/ci.yml").read_text())["jobs"]

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(exist_ok=True)
        (self.root / name).write_text(text)

    def run(
        self, *argv: str, code: int | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        programs = Path(sys.executable).parent
        # Loading plugins that nobody uses here is most of what pytest would do.
        own = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environ = {**ENV, "CI": "", **own, **more}
        if argv[0] == "tarmac":
            done = warm.tarmac(*argv[1:], folder=self.root, environ=environ)
        else:
            done = subprocess.run(
                argv, cwd=self.root, env=environ, capture_output=True, text=True, check=False
            )
        assert code in (None, done.returncode), done.stdout + done.stderr
        return done

    def tarmac(self, *args: str, code: int) -> str:
        done = self.run("tarmac", *args, code=code)
        return done.stdout + done.stderr

    def step(self, job: str, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the workflow."""
        (found,) = [named["run"] for named in self.jobs[job]["steps"] if named["name"] == name]
        return self.run("bash", "-e", "-c", found.replace("uv run --frozen ", ""))

    def prove(self) -> subprocess.CompletedProcess[str]:
        return self.step("checklist", "The tests that the checklist names")

    def ask(self) -> subprocess.CompletedProcess[str]:
        """Run the last step before the first one that changes anything."""
        return self.step("deploy-production", "Every checklist item passes")

    def attest(self, day=TODAY, until=TODAY + timedelta(days=90)) -> None:
        """Attest the item that waits for a cloud."""
        self.write("evidence/restore.md", "Restored in 14 minutes.\n")
        attestation = (
            f"{{what: Restored in 14 min, day: {day}, by: ops@example.com, "
            f"evidence: evidence/restore.md, until: {until}, target: cloud}}"
        )
        attested = CHECKLIST.replace("needs: cloud", f"needs: cloud, attestation: [{attestation}]")
        self.write("checklist.yaml", attested)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Make one that each test has a copy of."""
    folder = tmp_path_factory.mktemp("begun")
    Repository(folder).begin()
    return folder


@pytest.fixture
def repository(begun, tmp_path):
    shutil.copytree(begun, tmp_path, symlinks=True, dirs_exist_ok=True)
    made = Repository(tmp_path)
    git(made.root, "remote", "set-url", "origin", str(tmp_path / "code.git"))
    return made


PROMOTE = ("promote", "--from", "stg", "--to", "production")


def test_the_pipeline_stops_at_an_open_item_and_goes_on_once_it_is_attested(repository):
    assert repository.prove().returncode == 0
    asked = repository.ask()
    assert asked.returncode == 1
    assert (
        "not ready: 1 of 3 checklist items is open\n  needs-cloud    backups  Backups\n"
        in asked.stdout
    )
    repository.attest()
    asked = repository.ask()
    assert asked.returncode == 0
    assert asked.stdout.endswith("\nready: 3 of 3 checklist items pass, 1 attested\n")
    repository.attest(TODAY - timedelta(days=9), TODAY - timedelta(days=1))
    asked = repository.ask()
    assert asked.returncode == 1
    assert "  stale          backups  Backups\n" in asked.stdout


def test_the_pipeline_runs_the_tests_of_the_checklist_and_no_others(repository):
    repository.attest()
    repository.write("tests/test_web.py", TEST.format(False))
    assert repository.prove().returncode == 1
    assert repository.ask().returncode == 1, "even where somebody lets it go on"
    report = (repository.root / ".tarmac/ci/checklist.xml").read_text()
    assert "test_nothing_is_lost" in report
    assert "test_another" not in report
    assert git(repository.root, "status", "--porcelain", ".tarmac") == ""


def test_on_a_runner_the_programs_of_the_tests_are_brought_first(repository):
    repository.write(".ci/tools", "#!/bin/sh\ntouch brought\n")
    (repository.root / ".ci/tools").chmod(0o755)
    repository.write("tests/test_web.py", TEST.format("open('brought')"))
    repository.run("scripts/prove", code=1)
    repository.run("scripts/prove", code=0, CI="true")
    assert (repository.root / "brought").is_file()


def test_a_checklist_without_tests_leaves_a_report_without_any(repository):
    repository.write("checklist.yaml", "".join(CHECKLIST.splitlines(keepends=True)[:3]))
    assert repository.prove().returncode == 0
    assert repository.ask().returncode == 0


def test_a_checklist_that_is_wrong_or_gone_stops_the_pipeline(repository):
    repository.write("checklist.yaml", CHECKLIST.replace("REL001", "REL00"))
    assert repository.prove().returncode == 2
    (repository.root / "checklist.yaml").unlink()
    assert repository.prove().returncode == 0, "there is no test to run"
    for asked in (repository.ask(), repository.run("tarmac", *PROMOTE)):
        assert asked.returncode == 2
        assert (
            "checklist.yaml: there is no checklist item, so readiness cannot be judged"
            in asked.stderr
        )


def test_promote_names_the_open_items_writes_nothing_and_then_lets_through(repository):
    said = repository.tarmac(*PROMOTE, code=1)
    first, *items, last = said.strip().splitlines()
    assert first.startswith(
        "tarmac.yaml:12:16: production requires a complete checklist, and 2 of 3"
    )
    assert [item.split(" (")[0].strip() for item in items] == [
        "checklist.yaml:4:9: checklist item drained",
        "checklist.yaml:8:10: checklist item backups",
    ]
    assert last == "nothing is written"
    assert (repository.root / "tarmac.yaml").read_text() == MODEL

    repository.attest()
    push(repository.root, "docs: the restore of today")
    repository.run("scripts/prove", code=0)
    repository.tarmac("verify", "--ready", "--junit", ".tarmac/ci/checklist.xml", code=0)
    assert "web: 0.1.0 -> 1.2.0" in repository.tarmac(*PROMOTE, code=0)
    assert "version: 1.2.0\n    packaging" in (repository.root / "tarmac.yaml").read_text()


def test_a_dry_run_shows_the_change_and_that_it_would_be_refused(repository):
    shown = repository.tarmac(*PROMOTE, "--dry-run", code=0)
    assert "it would be rejected: tarmac.yaml:12:16: production requires" in shown
    done = repository.run("tarmac", *PROMOTE, "--dry-run", "--json", code=0)
    assert (
        "checklist item backups (Backups) is open (needs-cloud)"
        in json.loads(done.stdout)["unready"]
    )


def test_an_environment_without_the_line_takes_what_it_is_given(repository):
    args = ("promote", "--to", "stg", "--image", "web=1.3.0")
    assert "web: 1.2.0 -> 1.3.0" in repository.tarmac(*args, code=0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gitops: {updater: newest-build}, checklist: true", "the image updater deploys each new"),
        (
            "target: repository, checklist: true",
            "an environment of target repository is not deployed; write",
        ),
    ],
)
def test_a_checklist_that_would_hold_nothing_back_is_refused(repository, line, said):
    repository.write(
        "tarmac.yaml", MODEL.replace("  repository: {", f"  x: {{{line}}}\n  repository: {{")
    )
    shown = repository.tarmac("verify", code=2)
    assert shown.startswith("tarmac.yaml:13:")
    assert said in shown
