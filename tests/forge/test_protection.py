"""What protects main, on a real forge: the rendered ruleset, sent by the rendered script."""

from __future__ import annotations

import pytest
from forge import ADMIN, AUTHOR

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def code(published):
    return published("shop")


def pushed(code, by, *refs):
    """Push as a user; return what git says where it is refused."""
    remote = code.forge.remote(code.name, by)
    return code.clone.run("sh", "-c", 'git push "$@" 2>&1 && exit 9; :', "sh", remote, *refs)


def test_a_fresh_clone_is_at_main_and_its_origin_is_the_forge(code, tmp_path):
    remote = code.forge.remote(code.name)
    folder = tmp_path / "fresh"
    code.clone.run("git", "clone", "--quiet", remote, str(folder))

    def said(*argv):
        return code.clone.run("git", "-C", str(folder), *argv).split()

    assert said("branch", "--show-current") == ["main"]
    assert said("symbolic-ref", "--short", "refs/remotes/origin/HEAD") == ["origin/main"]
    assert said("remote") == ["origin"]
    assert said("remote", "get-url", "origin") == [remote]
    assert said("log", "--merges", "--format=%H") == []
    assert code.forge.get(code.path)["default_branch"] == "main"


def test_the_script_says_what_it_sends_and_may_be_run_again(code):
    script = "scripts/apply-ruleset-gitea.sh"
    preview = code.clone.run(script, GITEA_URL=code.forge.remote(code.name))
    assert '"required_approvals": 1' in preview
    before = code.forge.get(f"{code.path}/branch_protections")
    said = code.protect()
    assert "PATCH repos/tarmac-examples/ecommerce-platform/branch_protections/main: done" in said
    after = code.forge.get(f"{code.path}/branch_protections")
    for rules in (*before, *after):
        rules.pop("updated_at")
    assert before == after
    (rule,) = after
    assert rule["rule_name"] == "main"
    assert code.forge.get(f"{code.path}/branches/main")["protected"]


@pytest.mark.parametrize("by", [AUTHOR, ADMIN])
def test_nobody_pushes_to_main(code, by):
    code.clone.run("git", "fetch", "--quiet", "origin")
    code.clone.run("git", "checkout", "--quiet", "-B", "direct", "origin/main")
    code.clone.run("git", "commit", "--quiet", "--allow-empty", "--message", "fix: a short way",
                   **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER")
                      for what in ("NAME", "EMAIL")})  # fmt: skip
    main = code.forge.get(f"{code.path}/branches/main")["commit"]["id"]
    for refs in (["direct:main"], ["--force", "direct~2:main"], [":main"]):
        assert "rejected" in pushed(code, by, *refs)
    assert code.forge.get(f"{code.path}/branches/main")["commit"]["id"] == main


def test_a_red_check_blocks_the_merge_even_an_admin_s(delivered):
    done = delivered("shop")
    assert done.red.jobs["lint"] == "failure"
    assert done.red.jobs["passed"] == "failure"
    for situation in ("before its checks", "red", "red, by force"):
        status, said = done.refused[situation]
        assert (status, "status check" in said) == (405, True), (situation, said)


def test_a_green_change_wants_an_approval_and_becomes_no_merge_commit(delivered):
    done = delivered("shop")
    assert done.pull.jobs["passed"] == "success"
    status, said = done.refused["not approved"]
    assert (status, "approvals" in said) == (405, True), said
    status, said = done.refused["as a merge commit"]
    assert (status, "merge" in said) == (405, True), said
    # It was merged then, as one commit.
    assert done.push.said["head_sha"] == done.code.main()
    assert done.code.clone.run("git", "log", "--merges", "--format=%H", "origin/main") == ""


def test_no_rule_is_of_a_branch_that_is_not_main(code):
    code.clone.run("git", "push", "--quiet", "origin", "HEAD:refs/heads/own-work")
    assert not code.forge.get(f"{code.path}/branches/own-work")["protected"]
