"""`tarmac diff` between real revisions and folders; nothing is checked out or written."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from pathlib import Path

import pytest
import warm
from compared import ENVIRONMENTS, edited
from demo_system import DEMO, PARTS

BASE = textwrap.dedent(DEMO + ENVIRONMENTS).lstrip("\n")
FEWER = ("min: 3", "min: 2")
ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


class Repository:
    """A repository of one system, and the command in it."""

    def __init__(self, folder: Path, below: str = "") -> None:
        self.folder, self.below = folder, folder / below
        self.git("init", "-q", "-b", "main")
        for name, content in PARTS.items():
            part = self.below / "systems/demo/services" / name / "service.yaml"
            part.parent.mkdir(parents=True)
            part.write_text(textwrap.dedent(content))
        self.commit(BASE)

    @property
    def file(self) -> Path:
        return self.below / "systems/demo/tarmac.yaml"

    def git(self, *arguments: str) -> str:
        argv = ["git", *arguments]
        done = subprocess.run(
            argv, cwd=self.folder, env=ENVIRON, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        self.file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    def diff(self, *arguments: str, here: Path | None = None, **environ: str):
        given = {**ENVIRON, **environ}
        return warm.tarmac("diff", *arguments, folder=here or self.below, environ=given)

    def state(self) -> dict[str, tuple[int, bytes]]:
        """Read every file, those of git too, and when it was written."""
        return {
            path.as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "repository").mkdir()
    return Repository(tmp_path / "repository")


def test_what_stands_here_is_compared_with_a_revision_and_nothing_is_written(repository):
    repository.file.write_text(edited(BASE, FEWER))
    before = repository.state()
    done = repository.diff("main")
    assert (done.returncode, done.stderr) == (0, "")
    assert "**1 high** by risk" in done.stdout
    assert "replicas 3 to 9 -> 2 to 9" in done.stdout
    assert "(`systems/demo/tarmac.yaml:37:5`)" in done.stdout
    assert repository.state() == before


def test_two_revisions_are_compared_whatever_stands_here(repository):
    head = repository.commit(edited(BASE, FEWER))
    repository.file.write_text("not: [a system")
    there = json.loads(repository.diff("HEAD~1", head, "--json").stdout)
    back = json.loads(repository.diff(head, "HEAD~1", "--json").stdout)
    assert [(change["old"], change["new"]) for change in there["changes"]] == [("3 to 9", "2 to 9")]
    assert [(change["old"], change["new"]) for change in back["changes"]] == [("2 to 9", "3 to 9")]
    assert (there["base"], there["head"]) == ("HEAD~1", head)
    assert (there["changes"][0]["risk"], back["changes"][0]["risk"]) == ("high", "low")


def test_two_folders_are_compared_without_git(repository, tmp_path):
    other = tmp_path / "other"
    subprocess.run(["cp", "-r", repository.folder, other], check=True)
    (other / "systems/demo/tarmac.yaml").write_text(edited(BASE, FEWER))
    done = repository.diff("repository", "other", here=tmp_path, PATH="/nowhere")
    assert done.returncode == 0, done.stderr
    assert "replicas 3 to 9 -> 2 to 9" in done.stdout


def test_the_exit_code_says_what_was_asked_for(repository):
    asked = [(), ("--exit-code",), ("--fail-on", "high"), ("--fail-on", "low")]
    same = [repository.diff("main", *arguments).returncode for arguments in asked]
    repository.file.write_text(edited(BASE, ("domain: demo", "owner: shelf\ndomain: demo")))
    low = [repository.diff("main", *arguments).returncode for arguments in asked]
    repository.file.write_text(edited(BASE, FEWER))
    high = [repository.diff("main", *arguments).returncode for arguments in asked]
    assert (same, low, high) == ([0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 1, 1])
    assert "No rendered file changes." in repository.diff("HEAD", "main").stdout


def test_one_environment_can_be_asked_for(repository):
    repository.file.write_text(edited(BASE, FEWER, ("port: 3003", "port: 3033")))
    found = json.loads(repository.diff("main", "--env", "kind", "--json").stdout)
    assert {
        environment for change in found["changes"] for environment in change["environments"]
    } == {"kind"}
    assert found["systems"] == {"demo": ["kind"]}


def test_a_part_is_read_at_its_revision_also_through_a_link(repository):
    services = repository.below / "systems/demo/services"
    (services / "orders").rename(repository.below / "orders")
    (services / "orders").symlink_to("../../../orders")
    repository.commit(BASE)
    part = repository.below / "orders/service.yaml"
    part.write_text(part.read_text().replace("bytes: 32", "bytes: 64"))
    done = repository.diff("HEAD")
    assert done.returncode == 0, done.stderr
    assert "variable `SIGNING_SECRET`: a secret of a different size" in done.stdout


def test_a_system_below_a_folder_is_found_from_there(tmp_path):
    repository = Repository(tmp_path, "apps/one")
    repository.file.write_text(edited(BASE, FEWER))
    for here in (repository.below, repository.below / "systems/demo/services"):
        done = repository.diff("main", here=here)
        assert "**1 high** by risk" in done.stdout, done.stderr
    done = repository.diff("main", here=repository.folder)
    assert done.returncode == 2
    assert "no tarmac.yaml and no systems/*/tarmac.yaml there" in done.stderr


def test_a_model_that_does_not_load_is_told_with_its_revision(repository):
    repository.commit(edited(BASE, ("db: orders-db", "db: orders-bd")))
    done = repository.diff("HEAD", "HEAD~1")
    assert done.returncode == 2
    assert done.stderr.startswith("HEAD:systems/demo/tarmac.yaml:17:18: order-service uses unknown")
    done = repository.diff("HEAD~1")
    assert done.stderr.startswith("systems/demo/tarmac.yaml:17:18: order-service uses unknown")
    assert (done.returncode, done.stdout) == (2, "")


WRONG = {
    "no such revision": (("nowhere",), "nowhere: no such revision or folder"),
    "no such folder": (("./nowhere",), "./nowhere: no such folder"),
    "a file": (("systems/demo/tarmac.yaml",), "systems/demo/tarmac.yaml: a file"),
    "an option": (("--", "--output=x"), "--output=x: no such revision or folder"),
    "no such system": (("main", "--system", "deno"), "deno: no such system; did you mean 'demo'?"),
    "no such environment": (("main", "--env", "kid"), "kid: no such environment; did you mean"),
    "a tree": (("main^{tree}",), "main^{tree}: no such revision or folder"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_there_is_told_without_a_traceback(repository, case):
    arguments, expected = WRONG[case]
    done = repository.diff(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(expected), done.stderr
    assert "Traceback" not in done.stderr


def test_a_revision_outside_of_a_repository_is_told(repository, tmp_path):
    done = repository.diff("main", here=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("main: no such revision or folder"), done.stderr


def test_without_git_a_revision_cannot_be_read(repository):
    done = repository.diff("main", PATH="/nowhere")
    assert done.returncode == 3
    assert done.stderr.startswith("git: not on PATH")
