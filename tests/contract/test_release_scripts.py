"""The scripts of a release and of the protection of a repository, run in repositories of git."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from rendered import artifacts_of

from tarmac.base.artifact import write

WHO = {f"GIT_{role}_{what}": "a@example.com" for role in ("AUTHOR", "COMMITTER")
       for what in ("NAME", "EMAIL")}  # fmt: skip
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


class Repository:
    """A repository of git with the rendered scripts in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for artifact in artifacts_of("shop", "repository"):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, "Rendered by a test."))
            path.chmod(0o755 if artifact.executable else 0o644)
        self.git("init", "--quiet", "--initial-branch", "main")

    def run(self, *argv: str, code: int = 0, **env: str) -> str:
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env={**os.environ, **WHO, **ALONE, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{argv}\n{done.stdout}{done.stderr}"
        return done.stdout

    def git(self, *argv: str) -> str:
        return self.run("git", *argv)

    def commit(self, *messages: str) -> None:
        for message in messages:
            self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def bump(self, code: int = 0) -> str:
        return self.run("scripts/version-bump.sh", code=code).strip()

    def status(self) -> str:
        return self.git("status", "--porcelain") + self.git("log", "--format=%H") + self.git("tag")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.git("add", "--all")
    made.commit("build(delivery): the pipeline")
    return made


def test_the_first_version_is_0_1_0(repository):
    assert repository.run("scripts/version-bump.sh", "--current").strip() == ""
    assert repository.bump() == "0.1.0"


@pytest.mark.parametrize(
    ("last", "messages", "version"),
    [
        ("1.4.2", ["fix(cart): a"], "1.4.3"),
        ("1.4.2", ["perf: a", "chore: b"], "1.4.3"),
        ("1.4.2", ["fix: a", "feat(cart): b", "fix: c"], "1.5.0"),
        ("1.4.2", ["feat!: a", "feat: b"], "2.0.0"),
        ("1.4.2", ["refactor(cart)!: a"], "2.0.0"),
        ("1.4.2", ["fix: a\n\nBody.\n\nBREAKING CHANGE: the port is another."], "2.0.0"),
        ("1.4.2", ["fix: a\n\nNo BREAKING CHANGE: at all."], "1.4.3"),
        ("0.9.1", ["feat!: a"], "0.10.0"),
        ("1.9.9", ["feat: a"], "1.10.0"),
    ],
)
def test_the_next_version_is_what_the_commits_say(repository, last, messages, version):
    repository.git("tag", f"v{last}")
    repository.commit(*messages)
    assert repository.run("scripts/version-bump.sh", "--current").strip() == last
    assert repository.bump() == version


@pytest.mark.parametrize("messages", [(), ("docs: a", "chore: b"), ("feature: no type",)])
def test_nothing_that_asks_for_a_version_is_none_and_no_release(repository, messages):
    repository.git("tag", "v1.0.0")
    repository.commit(*messages)
    before = repository.status()
    assert repository.bump(code=1) == ""
    assert repository.run("scripts/release.sh", "--go", code=1) == ""
    assert repository.status() == before


def test_a_release_is_previewed_and_created_on_confirmation(repository, tmp_path_factory):
    repository.git("tag", "v1.0.0")
    repository.commit("feat(cart): gifts", "fix: the sum", "feat(api)!: new paths", "docs: a page")
    before = repository.status()
    said = repository.run("scripts/release.sh")
    assert "It would be 2.0.0 (after 1.0.0)" in said
    assert repository.status() == before

    assert repository.run("scripts/release.sh", "--go").strip() == "v2.0.0"
    changes = (repository.folder / "CHANGELOG.md").read_text()
    assert changes.startswith("# Changes\n\n## 2.0.0 - ")
    breaks, new, fixed = (changes.index(f"### What {e}") for e in ("breaks", "is new", "is fixed"))
    assert breaks < changes.index("feat(api)!: new paths") < new
    assert new < changes.index("feat(cart): gifts") < fixed < changes.index("fix: the sum")
    assert "docs: a page" not in changes
    assert repository.git("log", "-1", "--format=%s").strip() == "chore(release): 2.0.0"
    assert repository.git("cat-file", "-t", "v2.0.0").strip() == "tag"
    assert repository.git("rev-parse", "v2.0.0^{}") == repository.git("rev-parse", "HEAD")
    assert repository.git("status", "--porcelain", "--untracked-files=no") == ""

    repository.commit("fix: a second")
    origin = tmp_path_factory.mktemp("origin")
    subprocess.run(["git", "init", "--quiet", "--bare", str(origin)], check=True)
    repository.git("remote", "add", "origin", str(origin))
    repository.run("scripts/release.sh", "--go", "--push")
    changes = (repository.folder / "CHANGELOG.md").read_text()
    assert changes.index("## 2.0.1") < changes.index("## 2.0.0 - ")
    assert changes.count("# Changes\n") == 1
    assert "v2.0.1" in repository.git("ls-remote", "origin")


def test_where_main_takes_pull_requests_alone_the_tag_comes_after_the_merge(repository):
    repository.git("tag", "v1.0.0")
    repository.commit("feat: gifts")
    repository.run("scripts/release.sh", "--tag", code=1)
    repository.git("checkout", "--quiet", "-b", "release")
    repository.run("scripts/release.sh", "--changelog")
    assert repository.git("tag").split() == ["v1.0.0"]
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--squash", "release")
    repository.git("commit", "--quiet", "--message", "chore(release): 1.1.0 (#7)")
    assert repository.run("scripts/release.sh", "--tag").strip() == "v1.1.0"
    assert repository.git("rev-parse", "v1.1.0^{}") == repository.git("rev-parse", "main")
    repository.run("scripts/release.sh", "--tag", code=1)


def test_what_is_not_committed_is_not_released(repository):
    (repository.folder / "renovate.json").write_text("{}\n")
    before = repository.status()
    repository.run("scripts/release.sh", "--go", code=1)
    assert repository.status() == before


def test_repository_rules_are_previewed_and_sent_on_confirmation(repository, tmp_path):
    said = repository.run("scripts/apply-ruleset.sh")
    assert "POST repos/{owner}/{repo}/rulesets\n" in said
    assert "PUT repos/{owner}/{repo}/environments/production\n" in said
    assert "required_linear_history" in said

    fake = tmp_path / "fakes" / "gh"
    fake.parent.mkdir()
    fake.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        "*--jq*rulesets*|*rulesets*--jq*) exit 0 ;;\n"
        "*teams/*) echo 4711; exit ;;\n"
        "esac\n"
        '{ echo "$*"; cat; } >>"$CALLS"\n'
    )
    fake.chmod(0o755)
    calls = tmp_path / "calls"
    path = f"{fake.parent}:{os.environ['PATH']}"
    repository.run("scripts/apply-ruleset.sh", "--go", PATH=path, CALLS=str(calls))
    sent = calls.read_text()
    assert "api --method POST repos/{owner}/{repo}/rulesets" in sent
    assert '"id": 4711' in sent
    assert '"from"' not in sent
    assert '{"name":"v*.*.*","type":"tag"}' in sent


def changed(repository: Repository, *paths: str) -> list[str]:
    for path in paths:
        file = repository.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("changed\n")
    repository.git("add", "--all")
    repository.commit("fix: a change")
    argv = ("scripts/changed-services", "--base", "HEAD~1", "--head", "HEAD")
    return repository.run(*argv).split()


ALL = [
    "storefront",
    "api-gateway",
    "user-service",
    "product-service",
    "order-service",
    "payment-service",
    "notification-service",
]


@pytest.mark.parametrize(
    ("paths", "services"),
    [
        (["services/identity/tarmac_identity/app.py"], ["user-service"]),
        (["services/inventory/tests/test_a.py"], ["product-service"]),
        (["services/orders/a b.py", "services/web/ü.css"], ["storefront", "order-service"]),
        (["services/orders-old/a.py"], []),
        (["README.md", "docs/a.md"], []),
        (["kit/tarmac_kit/app.py"], ALL),
        (["uv.lock"], ALL),
        (["systems/shop/tarmac.yaml"], ALL),
        (["systems/shop/checklist.yaml"], []),
    ],
)
def test_only_what_a_change_touches_is_listed(repository, paths, services):
    assert changed(repository, *paths) == services


def test_what_is_removed_renamed_or_not_committed_counts_too(repository):
    changed(repository, "services/orders/a.py", "services/cart/b.py")
    argv = ("scripts/changed-services", "--base", "HEAD~1", "--head", "HEAD")
    repository.git("rm", "--quiet", "services/orders/a.py")
    repository.commit("fix: gone")
    assert repository.run(*argv).split() == ["order-service"]
    (repository.folder / "services/payments").mkdir()
    repository.git("mv", "services/cart/b.py", "services/payments/b.py")
    repository.commit("fix: moved")
    assert repository.run(*argv).split() == ["payment-service"]
    repository.git("checkout", "--quiet", "-b", "topic")
    (repository.folder / "services/identity").mkdir()
    (repository.folder / "services/identity/new.py").write_text("")
    assert repository.run("scripts/changed-services").split() == ["user-service"]


def test_a_base_that_is_not_there_starts_everything_and_no_change_starts_nothing(repository):
    for base in ("0" * 40, "1" * 40):
        assert repository.run("scripts/changed-services", "--base", base).split() == ALL
    argv = ("scripts/changed-services", "--base", "HEAD", "--head", "HEAD", "--github")
    services, matrix = repository.run(*argv).splitlines()
    assert services == "services=[]"
    assert json.loads(matrix.removeprefix("matrix=")) == {"include": []}


def test_the_matrix_has_a_services_language_and_the_servers_beside_it(repository):
    lines = repository.run("scripts/changed-services", "--all", "--github").splitlines()
    assert json.loads(lines[0].removeprefix("services=")) == ALL
    include = json.loads(lines[1].removeprefix("matrix="))["include"]
    by_name = {entry["service"]: entry for entry in include}
    assert by_name["order-service"]["postgres"] == "postgres:18"
    assert by_name["api-gateway"]["postgres"] == ""
    assert by_name["user-service"]["valkey"] == "valkey/valkey:9"
    assert {entry["language"] for entry in include} == {"python"}
