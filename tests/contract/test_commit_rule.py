"""The commit rule that is rendered into a user's repository, asked by git itself."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from rendered import ROOT, artifacts_of, plan_of

from tarmac.base.artifact import write
from tarmac.render.pipelines import commits

SYSTEMS = ("shop", "starter", "trading", "travel")
SHOP_SCOPES = {
    "api-gateway",
    "user-service",
    "product-service",
    "order-service",
    "payment-service",
    "notification-service",
    "infra",
    "ci",
    "docs",
}
TYPES = ("feat", "fix", "docs", "style", "refactor", "perf", "test", "build", "ci", "chore")


def rule_of(system):
    return [e for e in artifacts_of(system, "repository") if e.path.startswith(commits.FOLDER)]


@pytest.fixture
def git(tmp_path):
    """Give git in a new repository of the shop's, as it is rendered, with the hook turned on."""
    for artifact in rule_of("shop"):
        path = tmp_path / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, "Rendered by a test."))
        path.chmod(0o755 if artifact.executable else 0o644)
    who = {f"GIT_{role}_{what}": "a@example.com" for role in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **who}

    def run(*argv):
        return subprocess.run(
            ("git", *argv), cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    assert run("init", "--quiet").returncode == 0
    assert run("config", "core.hooksPath", commits.FOLDER).returncode == 0
    return run


def test_updated_stuff_is_refused_with_its_reasons_and_nothing_is_committed(git):
    refused = git("commit", "--allow-empty", "--message", "updated stuff")
    assert refused.returncode != 0
    assert "type is empty" in refused.stderr
    assert "subject is empty" in refused.stderr
    assert git("rev-parse", "--verify", "--quiet", "HEAD").returncode != 0


def test_each_of_the_ten_types_and_of_the_shops_scopes_is_accepted(git):
    messages = [f"{kind}(order-service): keep the price" for kind in TYPES]
    messages += [f"fix({scope}): keep the price" for scope in sorted(SHOP_SCOPES)]
    for message in messages:
        done = git("commit", "--allow-empty", "--message", message)
        assert done.returncode == 0, done.stderr
    assert git("log", "--format=%s").stdout.split("\n")[-2::-1] == messages


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("revert(docs): the last one", "type is unknown (revert)"),
        ("feat(warehouse): begin", "scope is unknown (warehouse); use one of storefront, api-"),
        ("feat: begin", "scope is empty"),
        ("feat(docs):", "subject is empty"),
    ],
)
def test_anything_else_is_refused(git, message, reason):
    refused = git("commit", "--allow-empty", "--message", message)
    assert refused.returncode != 0
    assert reason in refused.stderr


def test_what_its_own_scripts_commit_is_accepted(git):
    """A release and a renewed dependency, as scripts/release.sh and Renovate name them."""
    for message in ("chore(release): 1.4.3", "chore(deps): update valkey to v9"):
        assert git("commit", "--allow-empty", "--message", message).returncode == 0
    release = (ROOT / "src/tarmac/assets/ci/scripts/release.sh").read_text()
    assert '--message "chore(release): $next"' in release


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_scopes_are_the_systems_services(system):
    (own,) = [e.content for e in rule_of(system) if e.path.endswith("/rule.json")]
    services = [service.name for service in plan_of(system, "repository").services]
    assert json.loads(own) == {"scopes": [*services, *commits.ALWAYS]}


def test_this_repository_is_held_to_the_rule_that_it_renders():
    for name in ("commit-msg", "commit_message.py"):
        own, shipped = ROOT / ".githooks" / name, ROOT / "src/tarmac/assets/githooks" / name
        assert own.resolve() == shipped.resolve()
