"""What other repositories take from this one: the hook of pre-commit, and the action of GitHub.

The action's steps are run here as a runner does; actions of others are recorded.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from git_repository import git
from sarif_pydantic import Sarif

from tarmac.base import versions
from tarmac.cli.main import tarmac

ROOT = Path(__file__).parents[2]
#: The tags of pre-commit's `identify` that are used; an unknown one makes it refuse the hook.
TAGS = {"yaml", "json", "dockerfile", "terraform", "shell", "makefile", "toml", "markdown"}
TAGS |= {"go-mod", "xml"}
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
"""
GOOD = INGRESS.replace("rewrite-target: /", "ssl-redirect: 'true'")


def test_the_hook_has_what_pre_commit_asks_for_and_its_command_is_one():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert (hook["id"], hook["language"]) == ("tarmac-verify", "python")
    assert hook["pass_filenames"] is False
    assert set(hook["types_or"]) <= TAGS
    program, *words = shlex.split(hook["entry"])
    assert program == "tarmac"
    assert CliRunner().invoke(tarmac, [*words, "--help"]).exit_code == 0


ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


class Runner:
    """Runs the steps of a composite action until one fails."""

    def __init__(self, workspace: Path, temp: Path) -> None:
        self.workspace, self.temp = workspace, temp
        self.used: list[tuple[str, dict[str, str]]] = []
        self.outputs: dict[str, str] = {"steps.python.outputs.python-path": str(temp / "python")}
        self.printed = ""
        shim = f"""#!{sys.executable}
import os, sys
from pathlib import Path
words = sys.argv[1:]
if words[:2] == ["-m", "venv"]:
    folder = Path(words[2], "bin")
    folder.mkdir(parents=True)
    folder.joinpath("python").symlink_to(__file__)
    folder.joinpath("tarmac").symlink_to(Path(sys.executable).with_name("tarmac"))
else:
    Path({str(temp / "installed")!r}).write_text(" ".join(words))
"""
        (temp / "python").write_text(shim)
        (temp / "python").chmod(0o755)

    def run(self, **inputs: str) -> int:
        """Run all steps with inputs; return the exit code of the one that fails, else 0."""
        defaults = {name: value["default"] for name, value in ACTION["inputs"].items()}
        known = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        self.outputs |= known | {"github.action_path": str(ROOT)}
        for step in ACTION["runs"]["steps"]:
            if "uses" in step:
                given = {name: self.filled(value) for name, value in step["with"].items()}
                self.used.append((step["uses"], given))
            elif code := self.step(step):
                return code
        return 0

    def step(self, step: dict[str, object]) -> int:
        """Run a step as GitHub does with `shell: bash`."""
        assert step["shell"] == "bash"
        output = self.temp / "output"
        output.write_text("")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(output),
            **{name: self.filled(value) for name, value in step.get("env", {}).items()},
        }
        assert "${{" not in step["run"], "an input in a script would be run by its shell"
        bash = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            bash, cwd=self.workspace, env=env, capture_output=True, text=True, check=False
        )
        self.printed += done.stdout + done.stderr
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[f"steps.{step['id']}.outputs.{name}"] = value
        return done.returncode

    def filled(self, value: object) -> str:
        """Put what is known in the place of expressions."""
        return re.sub(r"\$\{\{ *(.+?) *\}\}", lambda found: self.outputs[found[1]], str(value))

    def sarif(self) -> dict[str, object]:
        """Read what was given to the upload."""
        uploads = [given for name, given in self.used if "upload-sarif" in name]
        (given,) = uploads
        written = json.loads(Path(given["sarif_file"]).read_text())
        Sarif.model_validate(written)
        return written


@pytest.fixture
def runner(tmp_path):
    """A runner with a repository whose only file has a mistake."""
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    workspace.mkdir()
    temp.mkdir()
    (workspace / "old.yaml").write_text(INGRESS)
    for words in (("init", "-b", "main"), ("add", "-A"), ("commit", "-m", "first")):
        git(workspace, *words)
    return Runner(workspace, temp)


def places(sarif):
    return [
        location["physicalLocation"]["artifactLocation"]["uri"]
        for found in sarif["runs"][0]["results"]
        for location in found.get("locations", ())
    ]


def test_the_action_installs_itself_uploads_findings_and_then_fails(runner):
    assert runner.run() == 1
    assert (runner.temp / "installed").read_text() == f"-m pip install --quiet {ROOT}"
    assert set(places(runner.sarif())) == {"old.yaml"}
    assert "::error title=tarmac verify::there are findings" in runner.printed


def test_the_action_reports_what_a_change_touches(runner):
    assert runner.run(changed="main") == 0
    assert places(runner.sarif()) == []
    (runner.workspace / "new folder").mkdir()
    (runner.workspace / "new folder/new.yaml").write_text(INGRESS)
    runner.used.clear()
    (runner.temp / "tarmac").rename(runner.temp / "before")
    assert runner.run(changed="main", path="new folder") == 1
    assert set(places(runner.sarif())) == {"new folder/new.yaml"}


def test_the_action_passes_no_input_to_a_shell(runner):
    odd = "$(touch made); touch made"
    assert runner.run(changed=odd) == 2
    assert f"--changed {odd}: no such revision" in runner.printed
    assert not (runner.workspace / "made").exists()
    # There is no report of what was not judged.
    assert [name for name, _ in runner.used if "upload" in name] == []


def test_the_action_is_as_strict_as_its_inputs_say(runner):
    (runner.workspace / "old.yaml").write_text(GOOD)
    verify = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "verify")
    spy = runner.temp / "tarmac/bin/tarmac"
    spy.parent.mkdir(parents=True)
    spy.write_text('#!/bin/sh\necho "$@"\n')
    spy.chmod(0o755)
    for strict, fail_on, words in (
        ("true", "error", "verify --files . --format sarif --fail-on error --strict\n"),
        ("false", "likely", "verify --files . --format sarif --fail-on likely\n"),
    ):
        given = {"path": ".", "changed": "", "strict": strict, "fail-on": fail_on}
        runner.outputs |= {f"inputs.{name}": value for name, value in given.items()}
        assert runner.step(verify) == 0
        assert (runner.temp / "tarmac.sarif").read_text() == words


def test_the_actions_of_others_are_pinned_by_commit_with_their_version():
    text = (ROOT / "action.yml").read_text()
    pins = re.findall(r"uses: ([^@\s]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)\n", text)
    assert len(pins) == text.count("uses:")
    known = {name: (pin.digest, pin.version) for name, pin in versions.read().actions.items()}
    own = {name: (digest, version) for name, digest, version in pins if name in known}
    assert own
    assert own == {name: known[name] for name in own}
