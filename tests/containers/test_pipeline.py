"""The whole pipeline of a change of one service, by the commands that a runner runs.

On stand-ins for the public base images (`standins.STAND_IN`). Trivy cannot be had where no release
can be downloaded: the scan is skipped there and said to be, and its seconds are not in the sum.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standins
from pipelines import Clone, cloned
from rendered import ROOT, system_of

from tarmac.base import evidence
from tarmac.base.evidence import Evidence
from tarmac.check.verify.memory import PIPELINE

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

SERVICE, FOLDER = "payment-service", "services/payments"


@pytest.fixture(scope="module")
def clone(docker, images, tmp_path_factory) -> Clone:
    images.of("shop")  # what a runner's cache has
    arguments = f"--network host --build-arg BUILDER={standins.BUILDER}"
    arguments += f" --build-arg RUNTIME={standins.RUNTIME}"
    env = {**os.environ, **docker.env, "DOCKER_BUILD_ARGS": arguments}
    env["PATH"] = f"{Path(docker.client).parent}:{env['PATH']}"
    return cloned("shop", tmp_path_factory.mktemp("pipeline") / "repository", env)


def test_a_change_of_one_service_is_found_checked_and_built_and_its_seconds_are_kept(
    clone, docker, tmp_path
):
    code = clone.folder / FOLDER / "tarmac_payments/domain.py"
    code.write_text(code.read_text() + "\n\n# A change.\n")
    clone.commit("fix(payment-service): a change")
    began = time.monotonic()
    touched = clone.run("scripts/changed-services", "--base", "HEAD~1", "--head", "HEAD")
    found = {"changed": round(time.monotonic() - began, 2)}
    assert touched == f"{SERVICE}\n"

    clone.run("scripts/ci", "lint", SERVICE)
    clone.run("scripts/ci", "test", SERVICE)
    assert "<coverage" in (clone.folder / FOLDER / "coverage/coverage.xml").read_text()
    clone.run("scripts/ci", "build", SERVICE)
    assert (clone.folder / f".tarmac/ci/{SERVICE}.tar").stat().st_size > 1_000_000
    revision = clone.run("git", "rev-parse", "HEAD").strip()
    image = docker.inspect(f"shop/{SERVICE}:sha-{revision[:12]}")
    assert image["Config"]["Labels"]["org.opencontainers.image.revision"] == revision

    found |= clone.seconds()
    assert set(found) == {"changed", "lint", "test", "build"}
    model = evidence.digest(evidence.contents(system_of("shop").files))
    kept = Evidence(
        what=PIPELINE,
        status="pass",
        level="observed",
        target="local",
        inputs=model,
        rule=f"seconds of each step for a change of {SERVICE}, {standins.STAND_IN}; no scan",
        command="pytest tests/containers/test_pipeline.py",
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        samples=found,
        machine=evidence.machine(),
    )
    for system in (clone.folder, ROOT):
        evidence.write(system / "systems/shop", kept)
    tarmac = str(ROOT / ".venv/bin/tarmac")
    said = json.loads(
        clone.run(tarmac, "verify", "shop", "--env", "repository", "--phase", "delivery", "--json")
    )
    (judged,) = [result for result in said["results"] if result["what"] == "gate:PIP009"]
    # It is the gate that knows how many seconds are too many.
    assert judged["status"] != "skipped"
    assert judged["level"] == "observed"


def test_a_lint_error_and_a_failing_test_each_end_the_step(clone):
    code = clone.folder / FOLDER / "tarmac_payments/domain.py"
    before = code.read_text()
    code.write_text(f"import os\n{before}")
    clone.run("scripts/ci", "lint", SERVICE, code=1)
    code.write_text(before)
    broken = clone.folder / FOLDER / "tests/test_broken.py"
    broken.write_text("def test_it():\n    assert False\n")
    # The others of the service have just passed by the same command.
    clone.run("scripts/ci", "test", SERVICE, code=1, PYTEST_ADDOPTS="-k test_broken")
    broken.unlink()


def test_without_the_scanner_the_scan_does_not_pass(clone, tmp_path):
    (clone.folder / ".tarmac/ci").mkdir(parents=True, exist_ok=True)
    (clone.folder / f".tarmac/ci/{SERVICE}.tar").touch()
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
    (tmp_path / "env").symlink_to(shutil.which("env"))
    clone.run("scripts/ci", "scan", SERVICE, code=3, PATH=str(tmp_path))
    times = clone.folder / ".tarmac/ci/times.jsonl"
    assert not times.exists() or "scan" not in clone.seconds()  # only what passed is in it
