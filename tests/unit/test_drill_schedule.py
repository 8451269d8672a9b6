"""The workflow that runs a drill by a schedule."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner

from tarmac.base.errors import BadInput
from tarmac.cli.main import tarmac
from tarmac.drill import schedule
from tarmac.render.pipelines.parts import github_steps


def test_a_workflow_runs_the_drill_then_and_keeps_what_it_showed():
    text = schedule.workflow("shop", "broker-outage", "17 3 * * 1")
    read = yaml.safe_load(text)
    assert read["on"] == {"schedule": [{"cron": "17 3 * * 1"}], "workflow_dispatch": {}}
    assert read["permissions"] == {"contents": "read"}
    job = read["jobs"]["drill"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[-1].startswith("uv run --frozen tarmac drill shop broker-outage --journal ")
    (kept,) = (step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert kept["if"] == "always()"  # a drill that fails is the one to read
    assert all(name in runs[-1] for name in kept["with"]["path"].split())
    for used in (step["uses"] for step in job["steps"] if "uses" in step):
        assert f"{used}  # {github_steps.remarks()[used]}\n" in text


@pytest.mark.parametrize("cron", ["", "often", "61 * * * *", "* * * *"])
def test_an_invalid_cron_line_is_reported(cron):
    with pytest.raises(BadInput, match="not a schedule"):
        schedule.workflow("shop", "broker-outage", cron)


def test_the_verb_prints_it_and_runs_nothing():
    asked = ["drill", "shop", "broker-outage", "--schedule", "17 3 * * 1"]
    done = CliRunner().invoke(tarmac, asked)
    assert done.exit_code == 0, done.output
    assert done.stdout == schedule.workflow("shop", "broker-outage", "17 3 * * 1")
