"""Each mistake that a roadmap prints is caught, typed in again by somebody with no model at all.

What is run is the verb, over files as they lie in a repository; what is asked is that it names the
file and the line, says what is wrong and what to do, and has nothing to say once that is done.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tarmac.base import registry
from tarmac.check import gates
from tarmac.cli.main import tarmac

FOLDER = Path(__file__).parent
MISTAKES = yaml.safe_load((FOLDER / "mistakes.yaml").read_text(encoding="utf-8"))
#: So many are in the roadmaps of shop and trading: four of images, three of pipelines, three of
#: Terraform, four of Kubernetes, four of policies, six of delivery's tools, one of an Ingress.
ALL = 4 + 3 + 3 + 4 + 4 + 6 + 1


#: Gates whose programs this tier has not.
ASK_PROGRAMS = {f"gate:{id_}" for id_, gate in registry.load(gates, "GATE").items() if gate.program}


def judged(folder, *options):
    """Run the verb as a user does; return its exit code and its findings."""
    asked = ["verify", "--files", str(folder), "--date", "2026-11-20", "--json", *options]
    done = CliRunner().invoke(tarmac, asked, catch_exceptions=False)
    report = json.loads(done.output)
    found = [f for result in report["results"] for f in result["findings"]]
    skipped = {result["what"] for result in report["results"] if result["status"] == "skipped"}
    assert skipped <= ASK_PROGRAMS
    assert report["remarks"] == []
    return done.exit_code, found


def errors(found):
    """Leave the warnings out."""
    return [finding for finding in found if not finding["warning"]]


def test_no_mistake_is_left_out():
    folders = {path.name for path in FOLDER.iterdir() if (path / "wrong").is_dir()}
    assert folders == set(MISTAKES)
    assert len(MISTAKES) == ALL
    assert len({mistake["says"] for mistake in MISTAKES.values()}) == ALL
    assert len({mistake["gate"] for mistake in MISTAKES.values()}) == ALL


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught_at_its_line_with_what_to_do(name):
    wanted = MISTAKES[name]
    code, found = judged(FOLDER / name / "wrong")
    is_open = wanted.get("warning", False)
    assert code == (0 if is_open else 1)
    # `also`: gates whose rule it breaks as well.
    failing = {*([] if is_open else [wanted["gate"]]), *wanted.get("also", ())}
    assert {finding["gate"] for finding in errors(found)} == failing
    path = FOLDER / name / "wrong" / wanted["file"]
    lines = path.read_text(encoding="utf-8").splitlines()
    there = [
        finding["what"]
        for finding in found
        if finding["gate"] == wanted["gate"]
        and finding["warning"] is is_open
        and finding["where"].startswith(f"{path.as_posix()}:")
        and lines[int(finding["where"].rpartition(":")[2]) - 1].strip() == wanted["line"]
    ]
    assert any(wanted["wrong"] in what and wanted["do"] in what for what in there), found


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_put_right_passes_every_gate(name):
    code, found = judged(FOLDER / name / "right")
    assert (code, errors(found)) == (0, [])
    assert MISTAKES[name]["gate"] not in {finding["gate"] for finding in found}


def test_all_of_them_in_one_repository_are_all_caught(tmp_path):
    # Each in a folder of its own, as teams have them; a workflow stands at the root of its own.
    for name in MISTAKES:
        shutil.copytree(FOLDER / name / "wrong", tmp_path / name)
    code, found = judged(tmp_path)
    assert code == 1
    for name, wanted in MISTAKES.items():
        where = (tmp_path / name / wanted["file"]).as_posix()
        assert any(f["gate"] == wanted["gate"] and where in f["where"] for f in found), name
