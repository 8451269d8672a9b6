"""A system's code on the forge, and the forge's own record of what its runner did of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from forge import AUTHOR, ORGANIZATION, Forge, environment
from pipelines import Clone, cloned
from rendered import ROOT, plan_of

from tarmac.render.pipelines.parts import github_steps

#: One run of a whole workflow: the jobs come one after another.
ENDED_S = 900.0
PIPELINE = ".github/workflows/ci.yml"
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """A run of a workflow that has ended, as the forge records it."""

    said: Mapping[str, Any]
    jobs: Mapping[str, str]
    steps: Mapping[str, Mapping[str, str]]

    @property
    def conclusion(self) -> str:
        """Say how it ended."""
        return str(self.said["conclusion"])

    @property
    def seconds(self) -> float:
        """Say how long it took, from the forge's own record."""
        began, ended = (
            datetime.fromisoformat(self.said[f"{when}_at"]) for when in ("started", "completed")
        )
        return (ended - began).total_seconds()


@dataclass(frozen=True)
class Code:
    """A repository of a system's code on the forge, and a clone of it here."""

    forge: Forge
    name: str
    clone: Clone

    @property
    def path(self) -> str:
        """Name it as the API does."""
        return f"repos/{ORGANIZATION}/{self.name}"

    def branch(self, name: str, path: str, text: str, message: str, *, onto: str = "main") -> str:
        """Push a branch with one more line in a file; return the commit."""
        self.clone.run("git", "fetch", "--quiet", "origin")
        self.clone.run("git", "checkout", "--quiet", "-B", name, f"origin/{onto}")
        file = self.clone.folder / path
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
        self.clone.commit(message)
        self.clone.run("git", "push", "--quiet", "--force", "origin", name)
        return self.clone.run("git", "rev-parse", "HEAD").strip()

    def propose(self, branch: str) -> int:
        """Open a pull request as its author; return its number."""
        body = {"base": "main", "head": branch, "title": f"fix: {branch}"}
        return int(self.forge.set("POST", f"{self.path}/pulls", body, AUTHOR)["number"])

    def runs(self, event: str, commit: str = "") -> list[dict[str, Any]]:
        """List the runs of an event, the newest first."""
        said = self.forge.get(f"{self.path}/actions/runs?event={event}&head_sha={commit}")
        return list(said["workflow_runs"] or [])

    def ended(self, event: str, commit: str, within_s: float = ENDED_S) -> Run:
        """Wait for the end of the run of an event for a commit."""
        found = wait(
            lambda: [r for r in self.runs(event, commit) if r["status"] == "completed"],
            within_s,
            f"{event} of {commit}",
        )
        return self.record(found[0])

    def record(self, run: Mapping[str, Any]) -> Run:
        """Read what the forge keeps of a run: how each job ended, and each of its steps."""
        jobs = self.forge.get(f"{self.path}/actions/runs/{run['id']}/jobs?limit=50")["jobs"]
        ends = {job["name"]: job.get("conclusion", job["status"]) for job in jobs}
        steps = {
            job["name"]: {step["name"]: step.get("conclusion", step["status"]) for step in job["steps"] or []}
            for job in jobs
        }
        return Run(run, ends, steps)

    def log(self, run: Run, job: str) -> str:
        """Read the log of a job of a run."""
        jobs = self.forge.get(f"{self.path}/actions/runs/{run.said['id']}/jobs?limit=50")["jobs"]
        (found,) = (one for one in jobs if one["name"] == job)
        return str(self.forge.get(f"{self.path}/actions/jobs/{found['id']}/logs"))


def published(forge: Forge, system: str, service: str, folder: Path) -> Code:
    """Put a system's code and its rendered pipeline on the forge; nothing runs for that.

    Args:
        service: the one that will be changed. This forge reads a job's matrix before any job has run
            (go-gitea/gitea#25179): the row that the job `detect-changes` will give is written out
            there, as a user's patch of the rendered file.
    """
    delivery = plan_of(system, "repository").delivery
    assert delivery is not None
    name = delivery.repository.rpartition("/")[2]
    code = Code(forge, name, cloned(system, folder, environment(folder.parent)))
    _write_matrix(code.clone, system, service)
    forge.create(name)
    forge.set("PATCH", code.path, {"has_actions": False})
    code.clone.run("git", "remote", "set-url", "origin", forge.remote(name))
    code.clone.run("git", "push", "--quiet", "origin", "main")
    # It has seen the push; what comes from now on it runs.
    wait(lambda: forge.ask("GET", f"{code.path}/branches/main")[0] == 200, 60, "the branch")
    forge.set("PATCH", code.path, {"has_actions": True})
    return code


def _write_matrix(clone: Clone, system: str, service: str) -> None:
    said = clone.run("scripts/changed-services", "--all", "--github")
    (line,) = (line for line in said.splitlines() if line.startswith("matrix="))
    rows = json.loads(line.removeprefix("matrix="))["include"]
    (row,) = (row for row in rows if row["service"] == service)
    file = clone.folder / PIPELINE
    text = file.read_text(encoding="utf-8")
    assert github_steps.MATRIX in text
    written = text.replace(github_steps.MATRIX, json.dumps({"include": [row]}))
    file.write_text(written, encoding="utf-8")
    tarmac = str(ROOT / ".venv/bin/tarmac")
    clone.run(tarmac, "render", system, "--env", "repository", "--out", ".", "--patch", PIPELINE)
    clone.commit("ci: write the matrix out")


def wait(asked: Callable[[], T], within_s: float, what: str) -> T:
    """Ask the forge until there is an answer."""
    ends_at = time.monotonic() + within_s
    while not (found := asked()):
        assert time.monotonic() < ends_at, f"not within {within_s:g} s: {what}"
        time.sleep(0.5)
    return found
