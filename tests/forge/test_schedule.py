"""A drill by the forge's own schedule: the workflow that `tarmac drill --schedule` prints."""

from __future__ import annotations

import forge_runs
import pytest
from forge_runs import Code, wait
from rendered import ROOT

pytestmark = [pytest.mark.servers, pytest.mark.timeout(2400)]

DRILL, EVERY_5_MINUTES = "light-to-heavy", "*/5 * * * *"
FILE = f".github/workflows/drill-{DRILL}.yml"
#: Twice five minutes, and the jobs themselves.
TWICE_S = 1200


@pytest.fixture(scope="module")
def code(running, runner, tmp_path_factory) -> Code:
    """Publish the starter with that workflow alone."""
    folder = tmp_path_factory.mktemp("drills") / "repository"
    made = forge_runs.published(running, "starter", "order-service", folder, name="starter-drills")
    tarmac = str(ROOT / ".venv/bin/tarmac")
    asked = ("drill", "starter", DRILL, "--schedule", EVERY_5_MINUTES)
    (made.clone.folder / FILE).write_text(made.clone.run(tarmac, *asked), encoding="utf-8")
    made.clone.run("git", "rm", "--quiet", forge_runs.PIPELINE)
    made.clone.commit("ci: the drill, every five minutes")
    made.clone.run("git", "push", "--quiet", "origin", "main")
    return made


def test_the_schedule_runs_the_drill_twice_and_keeps_what_it_showed(code):
    def ended():
        return [run for run in code.scheduled() if run.jobs.get("drill") in ("success", "failure")]

    workflow = f"{code.path}/actions/workflows/drill-{DRILL}.yml"
    code.forge.set("PUT", f"{workflow}/enable")
    found = wait(lambda: ended() if len(ended()) > 1 else [], TWICE_S, "two scheduled runs")
    code.forge.set("PUT", f"{workflow}/disable")
    for run in found[:2]:
        # A machine that is busy fails some drills: the job ends as the drill does.
        log = code.log(run, "drill")
        verdict = {"success": " PASS\n", "failure": " FAIL\n"}[run.jobs["drill"]]
        assert verdict in log, log[-3000:]
        kept = code.forge.get(f"{code.path}/actions/runs/{run.said['id']}/artifacts")
        assert [artifact["name"] for artifact in kept["artifacts"]] == [f"drill-{DRILL}"]


def test_a_drill_whose_verdict_is_fail_fails_the_run(code):
    file = code.clone.folder / f"systems/starter/drills/{DRILL}.yaml"
    text = file.read_text(encoding="utf-8")
    assert "  success: 40\n" in text
    file.write_text(text.replace("  success: 40\n", "  success: 100\n"), encoding="utf-8")
    code.clone.commit("test: ask of the drill what its faults do not allow")
    code.clone.run("git", "push", "--quiet", "origin", "HEAD:asked-too-much")
    workflow = f"{code.path}/actions/workflows/drill-{DRILL}.yml"
    code.forge.set("PUT", f"{workflow}/enable")
    code.forge.set("POST", f"{workflow}/dispatches", {"ref": "refs/heads/asked-too-much"})
    code.forge.set("PUT", f"{workflow}/disable")
    run = code.ended("workflow_dispatch", code.head())
    assert run.jobs == {"drill": "failure"}
    assert " FAIL\n" in code.log(run, "drill")
    # A drill that fails is the one to read.
    kept = code.forge.get(f"{code.path}/actions/runs/{run.said['id']}/artifacts")
    assert [artifact["name"] for artifact in kept["artifacts"]] == [f"drill-{DRILL}"]
