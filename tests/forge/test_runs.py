"""The rendered workflow of each system, run by a real forge: on a pull request, and on main.

Jobs are real: they take the code by actions/checkout, install by uv, and run what is rendered.
What asks for GitHub's own API, a builder's image of Docker Hub, or AWS ends there, and is named.
"""

from __future__ import annotations

import json

import pytest
from forge_runs import SERVICES
from rendered import ROOT

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800)]

#: What the branch waits for: all that a change has to pass.
CHECKS = ("detect-changes", "lint", "test", "system", "passed")
#: Jobs that are for main alone, or for a version.
IMAGES, DEPLOYS = "build-and-scan", ("deploy-", "release-")
#: How long a change of one service may take.
MOST_S = 480


def of(jobs, names):
    return {name: jobs[name] for name in names}


@pytest.mark.parametrize("system", SERVICES)
def test_a_pull_request_to_main_starts_the_jobs_and_a_good_change_passes_all_checks(
    delivered, system
):
    run = delivered(system).pull
    assert of(run.jobs, CHECKS) == dict.fromkeys(CHECKS, "success")
    assert run.jobs[IMAGES] == "skipped"
    # It writes by `gh`, which speaks to GitHub alone; no check waits for it.
    assert run.jobs["comment"] == "failure"


@pytest.mark.parametrize("system", SERVICES)
def test_a_push_to_main_starts_the_jobs_and_images_are_for_a_registry(delivered, system):
    done = delivered(system)
    assert done.push.said["event"] == "push"
    assert done.push.said["head_branch"] == "main"
    assert of(done.push.jobs, CHECKS) == dict.fromkeys(CHECKS, "success")
    assert done.push.jobs["comment"] == "skipped"
    # Its builder is an image of Docker Hub, its registry AWS's: nothing is deployed without it.
    assert done.push.jobs[IMAGES] == "failure"
    later = {job: end for job, end in done.push.jobs.items() if job.startswith(DEPLOYS)}
    assert later
    assert set(later.values()) == {"skipped"}


@pytest.mark.parametrize("system", SERVICES)
def test_the_jobs_are_of_the_one_service_that_changed(delivered, system):
    done, (service, _) = delivered(system), SERVICES[system]
    said = done.code.log(done.push, "detect-changes")
    assert f'services=["{service}"]' in said
    assert f"{service}: test took " in done.code.log(done.push, "test")


def test_a_change_of_one_service_takes_less_than_eight_minutes_by_the_forge_s_own_record(
    delivered,
):
    done = delivered("shop")
    taken = {"pull request": done.pull.seconds, "main": done.push.seconds}
    kept = {**taken, "most": MOST_S, "without": [IMAGES]}
    file = ROOT / "dist/forge-seconds.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    assert all(0 < seconds < MOST_S for seconds in taken.values()), taken
