"""The commit rule: its table, and git really asking it (FND-08, FND-09, FND-10)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess

import pytest

TYPES = ["feat", "fix", "docs", "style", "refactor", "perf", "test", "build", "ci", "chore"]
SHOP_SCOPES = [
    "api-gateway",
    "user-service",
    "product-service",
    "order-service",
    "payment-service",
    "notification-service",
    "infra",
    "ci",
    "docs",
]


@pytest.fixture(scope="module")
def rule(root):
    spec = importlib.util.spec_from_file_location(
        "commit_message", root / ".githooks/commit_message.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def git(root, tmp_path):
    """Return a function that runs git in a new repository where `make hooks` was called."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    clone = tmp_path / "clone"
    shutil.copytree(root / ".githooks", clone / ".githooks")
    shutil.copy(root / "Makefile", clone)

    def run(*command):
        return subprocess.run(
            command, cwd=clone, env=environ, capture_output=True, text=True, check=False
        )

    assert run("git", "init", "-q").returncode == 0
    assert run("make", "hooks").returncode == 0
    return lambda *arguments: run("git", *arguments)


def test_the_rule_knows_exactly_ten_types(rule):
    assert list(rule.TYPES) == TYPES


@pytest.mark.parametrize("kind", TYPES)
def test_each_of_the_ten_types_is_accepted(rule, kind):
    assert rule.problems(f"{kind}(orders): keep the price of a line") == []


@pytest.mark.parametrize("scope", SHOP_SCOPES)
def test_each_of_the_shops_nine_scopes_is_accepted(rule, scope):
    assert rule.problems(f"fix({scope}): answer within the deadline") == []


def test_each_folder_that_has_a_scope_of_its_own_is_accepted(rule, root):
    services = [p.parent.name for p in root.glob("services/*/pyproject.toml")]
    assert services
    for scope in [*services, "kit", "cli", "model", "plan", "stores", "local", "bench", "tests"]:
        assert rule.problems(f"feat({scope}): begin") == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("revert(orders): the last one", "type is unknown (revert)"),
        ("FEAT(orders): shout", "type is unknown (FEAT)"),
        ("feat(warehouse): begin", "scope is unknown (warehouse)"),
        ("feat(orders,cart): begin", "scope is unknown (orders,cart)"),
        ("feat: begin", "scope is empty"),
        ("feat(orders):", "subject is empty"),
        ("feat(orders): begin\nand go on", "second line is not empty"),
        (f"feat(orders): {'x' * 59}", "first line is too long (73)"),
        ("# only a comment", "type is empty"),
    ],
)
def test_a_message_that_breaks_the_rule_is_refused_with_its_reason(rule, message, reason):
    assert any(problem.startswith(reason) for problem in rule.problems(message))


def test_a_body_a_breaking_mark_and_gits_comments_are_allowed(rule):
    message = "feat(kit)!: drop the old key\n\nIt was never read.\n\n# Please enter the message\n"
    assert rule.problems(message) == []


def test_git_refuses_updated_stuff_and_names_empty_type_and_subject(git):
    refused = git("commit", "--allow-empty", "-m", "updated stuff")
    assert refused.returncode != 0
    assert "type is empty" in refused.stderr
    assert "subject is empty" in refused.stderr
    assert git("rev-parse", "--verify", "-q", "HEAD").returncode != 0


def test_git_accepts_a_conventional_message_and_makes_the_commit(git):
    message = "docs(docs): add project README"
    accepted = git("commit", "--allow-empty", "-m", message)
    assert accepted.returncode == 0, accepted.stderr
    assert git("log", "--format=%s").stdout.strip() == message


def test_git_may_still_merge_and_fix_up(git):
    assert git("commit", "--allow-empty", "-m", "chore(infra): begin").returncode == 0
    assert git("commit", "--allow-empty", "-m", "fixup! chore(infra): begin").returncode == 0
    assert git("commit", "--allow-empty", "-m", "Merge branch 'topic'").returncode == 0


def test_the_history_is_linear_and_begins_with_the_infrastructure(root):
    def log(*options):
        command = ["git", "log", "--format=%s", *options, "HEAD"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert log("--merges") == []
    assert log("--max-parents=0")[-1].startswith("chore(infra): ")
    asked = " ".join((root / "CONTRIBUTING.md").read_text().split())
    assert "short-lived branches off `main`" in asked
    assert "history linear: rebase, do not merge" in asked


def test_the_history_check_names_the_commit_that_breaks_the_rule(
    git, rule, tmp_path, monkeypatch, capsys
):
    git("commit", "--allow-empty", "-m", "chore(infra): begin")
    git("commit", "--allow-empty", "--no-verify", "-m", "updated stuff")
    monkeypatch.chdir(tmp_path / "clone")
    assert rule.main(["--history"]) == 1
    told = capsys.readouterr()
    assert "2 checked, 2 problems" in told.out
    assert git("log", "-1", "--format=%h").stdout.strip() in told.err


def test_a_first_line_of_72_characters_is_accepted(rule):
    assert rule.problems(f"feat(orders): {'x' * 58}") == []


def test_the_history_holds_a_commit_to_the_limit_of_its_day(
    git, rule, tmp_path, monkeypatch, capsys
):
    subject = f"feat(orders): {'x' * 80}"
    for written_at in (rule.SHORT_SINCE - 1, rule.SHORT_SINCE):
        date = f"--date=@{written_at} +0000"
        made = git("commit", "--allow-empty", "--no-verify", date, "-m", subject)
        assert made.returncode == 0, made.stderr
    monkeypatch.chdir(tmp_path / "clone")
    assert rule.main(["--history"]) == 1
    printed = capsys.readouterr()
    assert "2 checked, 1 problems" in printed.out
    assert git("log", "-1", "--format=%h").stdout.strip() in printed.err


def test_git_refuses_a_first_line_of_73_characters(git):
    refused = git("commit", "--allow-empty", "-m", f"feat(orders): {'x' * 59}")
    assert refused.returncode != 0
    assert "first line is too long (73); shorten it to 72 characters" in refused.stderr
