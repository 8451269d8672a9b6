"""A system's code on the forge, and the forge's own record of what its runner did of it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from forge import ADMIN, AUTHOR, ORGANIZATION, REVIEWER, Forge, environment
from pipelines import Clone, cloned
from rendered import ROOT, plan_of

from tarmac.render.pipelines.parts import github_steps

#: One run of a whole workflow: the jobs come one after another.
ENDED_S = 900.0
#: How long the forge may take to notice what was pushed first.
NOTICED_S = 60.0
#: One service of each system, and where its code is.
SERVICES = {
    "shop": ("payment-service", "services/payments/tarmac_payments/domain.py"),
    "starter": ("order-service", "services/orders/tarmac_orders/domain.py"),
    "trading": ("market-service", "services/market/tarmac_market/domain.py"),
    "travel": ("catalog", "services/catalog/tarmac_catalog/domain.py"),
}
#: What the forge says of a job that has not ended.
WAITING = {"waiting", "queued", "pending", "in_progress"}
PIPELINE = ".github/workflows/ci.yml"
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """A run of a workflow that has ended, as the forge records it."""

    said: Mapping[str, Any]
    #: How each job ended.
    jobs: Mapping[str, str]

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

    def change(self, branch: str, path: str, text: str, message: str) -> str:
        """Push a branch of main with more text in a file; return the commit."""
        self.clone.run("git", "fetch", "--quiet", "origin")
        self.clone.run("git", "checkout", "--quiet", "-B", branch, "origin/main")
        with (self.clone.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)
        self.clone.commit(message)
        self.clone.run("git", "push", "--quiet", "origin", branch)
        return self.head()

    def amend(self, path: str, old: str, new: str, message: str) -> str:
        """Push another commit to the branch, with the end of a file changed; return the commit."""
        file = self.clone.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.endswith(old)
        file.write_text(text.removesuffix(old) + new, encoding="utf-8")
        self.clone.commit(message)
        self.clone.run("git", "push", "--quiet", "origin", "HEAD")
        return self.head()

    def main(self) -> str:
        """Fetch what is on main, and name its commit."""
        self.clone.run("git", "fetch", "--quiet", "origin")
        return str(self.clone.run("git", "rev-parse", "origin/main").strip())

    def head(self) -> str:
        """Name the commit that the clone is at."""
        return str(self.clone.run("git", "rev-parse", "HEAD").strip())

    def approve(self, number: int) -> None:
        """Approve a pull request as someone else."""
        body = {"event": "APPROVED", "body": "fine"}
        self.forge.set("POST", f"{self.path}/pulls/{number}/reviews", body, REVIEWER)

    def merge(self, number: int, way: str, **more: Any) -> tuple[int, str]:
        """Ask for the merge of a pull request; return the status and what was said."""
        body = {"Do": way, **more}
        by = ADMIN if more.get("force_merge") else AUTHOR
        status, said = self.forge.ask("POST", f"{self.path}/pulls/{number}/merge", body, by)
        return status, str(said)

    def protect(self) -> str:
        """Put the rendered rules into force, as the admin does; return what the script says."""
        script = "scripts/apply-ruleset-gitea.sh"
        token = self.forge.token(ADMIN)
        return self.clone.run(
            script, "--go", GITEA_TOKEN=token, GITEA_URL=self.forge.remote(self.name)
        )

    def propose(self, branch: str) -> int:
        """Open a pull request as its author; return its number."""
        body = {"base": "main", "head": branch, "title": f"fix: {branch}"}
        return int(self.forge.set("POST", f"{self.path}/pulls", body, AUTHOR)["number"])

    def runs(self, event: str, commit: str = "") -> list[dict[str, Any]]:
        """List the runs of an event, the newest first; of a later push to a pull request, too."""
        said = self.forge.get(f"{self.path}/actions/runs?head_sha={commit}&limit=50")
        return [run for run in said["workflow_runs"] or [] if run["event"].startswith(event)]

    def scheduled(self) -> list[Run]:
        """List the runs that the schedule began, the newest first.

        The API calls such a run by the event that the schedule came with, a push: what began it is
        in the forge's own record alone.
        """
        file = f"file:{self.forge.folder}/forge.db?mode=ro"
        with contextlib.closing(sqlite3.connect(file, timeout=60, uri=True)) as record:
            asked = "SELECT id FROM action_run WHERE trigger_event = 'schedule'"
            begun = {row[0] for row in record.execute(asked)}
        return [self.record(run) for run in self.runs("") if run["id"] in begun]

    def ended(self, event: str, commit: str, within_s: float = ENDED_S) -> Run:
        """Wait for the end of the run of an event for a commit."""
        found = wait(lambda: self._ended(event, commit), within_s, f"{event} of {commit}")
        assert found is not None
        return found

    def _ended(self, event: str, commit: str) -> Run | None:
        # The forge calls a run completed as soon as one job has failed, whatever others still wait.
        for said in self.runs(event, commit):
            run = self.record(said)
            if run.jobs and WAITING.isdisjoint(run.jobs.values()):
                return run
        return None

    def record(self, run: Mapping[str, Any]) -> Run:
        """Read what the forge keeps of a run: how each job ended, without its row of the matrix."""
        jobs = self.forge.get(f"{self.path}/actions/runs/{run['id']}/jobs?limit=50")["jobs"]
        ends = {_job(job): job.get("conclusion") or job["status"] for job in jobs}
        return Run(run, ends)

    def log(self, run: Run, job: str) -> str:
        """Read the log of a job of a run."""
        jobs = self.forge.get(f"{self.path}/actions/runs/{run.said['id']}/jobs?limit=50")["jobs"]
        (found,) = (one for one in jobs if _job(one) == job)
        return str(self.forge.get(f"{self.path}/actions/jobs/{found['id']}/logs"))


def _job(said: Mapping[str, Any]) -> str:
    return str(said["name"]).partition(" (")[0]


def published(forge: Forge, system: str, service: str, folder: Path, name: str = "") -> Code:
    """Put a system's code and its rendered pipeline on the forge; nothing runs for that.

    Args:
        service: the one that will be changed. This forge reads a job's matrix before any job
            has run (go-gitea/gitea#25179): the row that the job `detect-changes` will give is
            written out there, as a user's patch of the rendered file.
    """
    delivery = plan_of(system, "repository").delivery
    assert delivery is not None
    name = name or delivery.repository.rpartition("/")[2]
    code = Code(forge, name, cloned(system, folder, environment(folder.parent)))
    _write_matrix(code.clone, system, service)
    forge.create(name)
    code.clone.run("git", "remote", "set-url", "origin", forge.remote(name))
    code.clone.run("git", "push", "--quiet", "origin", "main")
    # Until it has noticed, some of its pages end in a panic.
    wait(lambda: not forge.get(code.path)["empty"], NOTICED_S, "a repository that is not empty")
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
    clone.commit("ci: write the matrix out\n\n[skip ci]")


def wait(asked: Callable[[], T], within_s: float, what: str) -> T:
    """Ask the forge until there is an answer."""
    ends_at = time.monotonic() + within_s
    while not (found := asked()):
        assert time.monotonic() < ends_at, f"not within {within_s:g} s: {what}"
        time.sleep(0.5)
    return found
