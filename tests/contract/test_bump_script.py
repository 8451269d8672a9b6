"""scripts/bump on real repositories of git, with a stand-in for `tarmac` that writes what is told.

What `tarmac promote` and `tarmac render` themselves do is shown where they are tested.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from rendered import artifacts_of

from tarmac.base.artifact import write

ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.com")
#: Commits in a row; twenty, as many as a day may have, with TARMAC_CYCLES=20.
CYCLES = int(os.environ.get("TARMAC_CYCLES", "3"))
TARMAC = """#!/usr/bin/env python3
import json, pathlib, sys
state = pathlib.Path(__file__).with_name("promoted.json")
if sys.argv[1] == "promote":
    images = [sys.argv[n + 1] for n, word in enumerate(sys.argv) if word == "--image"]
    state.write_text(json.dumps(images))
    pathlib.Path("systems/travel/tarmac.yaml").open("a").write("# promoted\\n")
else:
    out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
    out.mkdir(parents=True, exist_ok=True)
    for image in json.loads(state.read_text()):
        name, _, tag = image.partition("=")
        (out / f"{name}.yaml").write_text(f"image: {tag}\\n")
"""


def git(folder: Path, *argv: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *argv],
        cwd=folder,
        env={**os.environ, **ALONE},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


class Both:
    """The code's repository, the GitOps repository, and a checkout of that."""

    def __init__(self, folder: Path) -> None:
        self.code, self.origin = folder / "code", folder / "origin"
        for artifact in artifacts_of("travel", "repository"):
            path = self.code / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, "Rendered by a test."))
            path.chmod(0o755 if artifact.executable else 0o644)
        tarmac = folder / "tarmac"
        tarmac.write_text(TARMAC)
        tarmac.chmod(0o755)
        data = json.loads((self.code / "ci/services.json").read_text())
        (self.code / "ci/services.json").write_text(json.dumps({**data, "tarmac": [str(tarmac)]}))
        (self.code / "systems/travel").mkdir(parents=True)
        (self.code / "systems/travel/tarmac.yaml").write_text("tarmac: 1\n")
        git(folder, "init", "--quiet", "--initial-branch", "main", str(self.code))
        git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.origin))
        self.commit("feat: all")
        self.gitops = self.clone("gitops")
        (self.gitops / "README.md").write_text("What clusters follow.\n")
        git(self.gitops, "add", "--all")
        git(self.gitops, "commit", "--quiet", "--message", "docs: begin")
        git(self.gitops, "push", "--quiet", "origin", "HEAD:main")

    def clone(self, name: str) -> Path:
        folder = self.origin.with_name(name)
        git(self.code, "clone", "--quiet", str(self.origin), str(folder))
        for key in ("name", "email"):
            git(folder, "config", f"user.{key}", "ci@example.com")
        return folder

    def commit(self, message: str) -> str:
        git(self.code, "add", "--all")
        git(self.code, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.code, "rev-parse", "HEAD").strip()

    def bump(self, *argv: str, gitops: Path | None = None) -> str:
        done = subprocess.run(
            [str(self.code / "scripts/bump"), argv[0], str(gitops or self.gitops), *argv[1:]],
            env={**os.environ, **ALONE},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pushed(self, *argv: str) -> str:
        return git(self.origin, *argv)


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path)


def test_what_was_pushed_is_one_commit_of_that_image_and_nothing_else(both):
    both.bump("stg", "--image", "orders=sha256:1", "--image", "cart=sha256:1")
    revision = both.commit("fix(orders): a change")
    both.bump("stg", "--image", "orders=sha256:2")
    changed = both.pushed("show", "--format=", "--numstat", "main").splitlines()
    assert changed == ["1\t1\tenvironments/stg/orders.yaml", "1\t1\timages/stg.json"]
    images = json.loads(both.pushed("show", "main:images/stg.json"))
    assert images == {"cart": "sha256:1", "orders": "sha256:2"}
    message = both.pushed("log", "-1", "--format=%B", "main")
    assert message.startswith(
        "deploy(stg): orders\n\norders: sha256:1 -> sha256:2\nSource: https://"
    )
    assert revision in message
    assert git(both.code, "status", "--porcelain") == "", "the model is as it was"


def test_what_runs_there_already_is_no_commit_and_a_dry_run_pushes_none(both):
    both.bump("stg", "--image", "orders=sha256:1")
    before = both.pushed("rev-parse", "main")
    assert "it runs that already" in both.bump("stg", "--image", "orders=sha256:1")
    assert "deploy(stg): orders" in both.bump("stg", "--dry-run", "--image", "orders=sha256:2")
    assert both.pushed("rev-parse", "main") == before


def test_who_pushed_meanwhile_keeps_what_they_pushed(both):
    late = both.clone("late")
    both.bump("stg", "--image", "orders=sha256:1")
    both.bump("stg", "--image", "cart=sha256:7", gitops=late)
    images = json.loads(both.pushed("show", "main:images/stg.json"))
    assert images == {"cart": "sha256:7", "orders": "sha256:1"}
    assert both.pushed("log", "--format=%s", "main").splitlines() == [
        "deploy(stg): cart",
        "deploy(stg): orders",
        "docs: begin",
    ]


def test_a_promotion_takes_what_the_other_environment_runs(both):
    both.bump("stg", "--image", "orders=sha256:1", "--image", "cart=sha256:2")
    both.bump("prod", "--from", "stg")
    assert both.pushed("show", "main:images/prod.json") == both.pushed(
        "show", "main:images/stg.json"
    )
    assert both.pushed("log", "-1", "--format=%s", "main").strip() == "deploy(prod): cart, orders"


def test_commits_in_a_row_are_as_many_deployments_without_a_hand(both):
    for number in range(CYCLES):
        revision = both.commit(f"fix(orders): change {number}")
        both.bump("stg", "--image", f"orders=sha-{revision[:12]}")
        image = both.pushed("show", "main:environments/stg/orders.yaml")
        assert image == f"image: sha-{revision[:12]}\n"
    subjects = both.pushed("log", "--format=%s", "main").splitlines()
    assert subjects.count("deploy(stg): orders") == CYCLES
