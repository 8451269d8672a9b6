"""A commit becomes a change of what clusters follow: pushed, bumped, rendered, pushed, no hand.

Both repositories are bare ones on this disk, and the pipeline's steps are its own commands.
"""

from __future__ import annotations

import os

import pytest
import yaml
from click.testing import CliRunner
from git_repository import clone, git, push, remote

from tarmac.cli.main import tarmac

MODEL = """\
tarmac: 1
system: mini
services:
  web: {run: [npm, start], port: 8080, calls: [orders]}
  # Whoever edits this: the tags below are the pipeline's.
  orders: {run: [npm, start], port: 3003}
environments:
  stg:
    registry: r.example.com/stg
    packaging: [kustomize]
    gitops: {source: kustomize}
  production:
    registry: r.example.com/prod   # one per account
    packaging: [kustomize]
    gitops: {source: kustomize}
delivery:
  repository: https://git.example.com/mini
  gitops: https://git.example.com/mini-gitops
"""
HOME = "environments/{}"
#: Commits in a row; twenty, as many as a day may have, with TARMAC_CYCLES=20.
CYCLES = int(os.environ.get("TARMAC_CYCLES", "3"))


class Pipeline:
    """What CI does after it has built and pushed an image."""

    def __init__(self, folder, monkeypatch):
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        self.folder, self.monkeypatch = folder, monkeypatch
        self.code = clone(remote(folder / "code.git"), folder / "developer")
        self.origin = remote(folder / "gitops.git")
        self.gitops = clone(self.origin, folder / "bot")
        (self.code / "tarmac.yaml").write_text(MODEL)
        push(self.code, "feat: a system")
        for environment in ("stg", "production"):
            self.render(environment)
        push(self.gitops, "feat: what is rendered")

    def tarmac(self, *args):
        self.monkeypatch.chdir(self.code)
        done = CliRunner().invoke(tarmac, args, standalone_mode=True)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def render(self, environment):
        out = self.gitops / HOME.format(environment)
        self.tarmac("render", "--env", environment, "--out", str(out))

    def merge(self, service, text):
        """Change a service's code, as a developer does; return the tag that CI gives its image."""
        folder = self.code / service
        folder.mkdir(exist_ok=True)
        (folder / "code.txt").write_text(text)
        return f"sha-{push(self.code, f'feat({service}): {text}')[:12]}"

    def deliver(self, environment, *options):
        """Bump, commit the bump, render at that commit, commit what is rendered."""
        said = self.tarmac("promote", "--to", environment, *options)
        bump = push(self.code, f"chore: {environment} is to run something else")
        self.render(environment)
        push(self.gitops, f"chore: {environment} at {bump[:12]}")
        return said


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    return Pipeline(tmp_path, monkeypatch)


def images(repository, commit):
    """Read what each Deployment runs in each environment, at a commit."""
    found = {}
    for path in git(repository, "ls-tree", "-r", "--name-only", commit).splitlines():
        if path.endswith("/deployment.yaml") and "/k8s/" in path:
            data = yaml.safe_load(git(repository, "show", f"{commit}:{path}"))
            pod = data["spec"]["template"]["spec"]
            found[path.split("/")[1], data["metadata"]["name"]] = pod["containers"][0]["image"]
    return found


def test_a_merge_changes_exactly_that_image(pipeline):
    before = images(pipeline.gitops, "HEAD")
    tag = pipeline.merge("orders", "a better order")
    said = pipeline.deliver("production", "--image", f"orders={tag}")

    after = images(pipeline.gitops, "HEAD")
    changed = {name: image for name, image in after.items() if before[name] != image}
    assert changed == {("production", "orders"): f"r.example.com/prod/orders:{tag}"}
    assert f"orders: 0.1.0 -> {tag}" in said
    assert f"**orders**: image tag `0.1.0` -> `{tag}`" in said

    # Each line that is not the same any more names that image, or is a hash of the lock.
    diff = git(pipeline.gitops, "diff", "--unified=0", "HEAD~1", "HEAD", "--", ".", ":!*.lock")
    lines = [e for e in diff.splitlines() if e[:1] in "+-" and not e.startswith(("+++", "---"))]
    assert lines
    assert [line for line in lines if tag not in line and "0.1.0" not in line] == []
    named = git(pipeline.gitops, "diff", "--name-only", "HEAD~1", "HEAD").splitlines()
    assert {path.split("/")[1] for path in named} == {"production"}
    assert [path for path in named if "orders" not in path] == [
        "environments/production/tarmac.lock"
    ]
    model = git(pipeline.code, "diff", "--unified=0", "HEAD~1", "HEAD").splitlines()
    assert [line for line in model[5:] if line[:1] in "+-"] == [f"+    images: {{orders: {tag}}}"]


def test_commits_in_a_row_become_as_many_deployments_without_a_hand(pipeline):
    start = int(git(pipeline.gitops, "rev-list", "--count", "HEAD"))
    newest = {}
    for number in range(CYCLES):
        service = ("web", "orders")[number % 2]
        newest[service] = pipeline.merge(service, f"change {number}")
        pipeline.deliver("production", "--image", f"{service}={newest[service]}")
    cluster = clone(pipeline.origin, pipeline.folder / "cluster")
    assert int(git(cluster, "rev-list", "--count", "HEAD")) == start + CYCLES
    found = images(cluster, "HEAD")
    for service, tag in newest.items():
        assert found["production", service] == f"r.example.com/prod/{service}:{tag}"
        assert found["stg", service] == f"r.example.com/stg/{service}:0.1.0"
    assert (
        "# Whoever edits this: the tags below are the pipeline's."
        in (pipeline.code / "tarmac.yaml").read_text()
    )


def test_what_was_tried_is_promoted_as_it_is(pipeline):
    tag = pipeline.merge("web", "a new front")
    pipeline.deliver("stg", "--image", f"web={tag}")
    pipeline.deliver("production", "--from", "stg")
    found = images(pipeline.gitops, "HEAD")
    assert found["production", "web"] == f"r.example.com/prod/web:{tag}"
    assert found["production", "orders"] == "r.example.com/prod/orders:0.1.0"
    again = pipeline.tarmac("promote", "--to", "production", "--from", "stg")
    assert "production already runs these versions; nothing is written" in again
    assert git(pipeline.code, "status", "--porcelain") == ""


def test_a_model_with_changes_that_are_not_committed_is_left_alone(pipeline):
    model = pipeline.code / "tarmac.yaml"
    model.write_text(MODEL + "# half a thought\n")
    pipeline.monkeypatch.chdir(pipeline.code)
    args = ["promote", "--to", "production", "--image", "web=1.0.0"]
    done = CliRunner().invoke(tarmac, args)
    assert done.exit_code == 1
    assert "commit or stash them" in str(done.exception)
    assert model.read_text() == MODEL + "# half a thought\n"
    assert CliRunner().invoke(tarmac, [*args, "--dry-run"]).exit_code == 0
    assert model.read_text() == MODEL + "# half a thought\n"
