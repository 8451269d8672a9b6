"""Findings in files that a change touches, by a repository of the test's own."""

from __future__ import annotations

import pytest
from git_repository import git

from tarmac.base.errors import BadInput, MissingTool
from tarmac.base.report import Finding, Level, Report, Result, Status
from tarmac.check.verify import changed


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A branch beside `main`, which went on meanwhile."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "k8s").mkdir()
    for name in ("old.yaml", "committed.yaml", "staged.yaml", "edited.yaml", "k8s/deep.yaml"):
        (tmp_path / name).write_text("a: 1\n")
    (tmp_path / ".gitignore").write_text("ignored.yaml\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    git(tmp_path, "checkout", "-q", "-b", "branch")
    (tmp_path / "committed.yaml").write_text("a: 2\n")
    git(tmp_path, "commit", "-q", "-am", "second")
    git(tmp_path, "checkout", "-q", "main")
    (tmp_path / "old.yaml").write_text("a: 3\n")
    git(tmp_path, "commit", "-q", "-am", "meanwhile")
    git(tmp_path, "checkout", "-q", "branch")
    return tmp_path


def files(repository, base="main", folder=None):
    """List the changed files by their names in the repository."""
    root = repository.resolve()
    found = changed.paths(folder or repository, base)
    return sorted(str(path.relative_to(root)) for path in found if path.is_file())


def test_files_differ_from_the_merge_base_committed_or_not(repository):
    assert files(repository) == ["committed.yaml"]
    (repository / "staged.yaml").write_text("a: 2\n")
    git(repository, "add", "staged.yaml")
    (repository / "edited.yaml").write_text("a: 2\n")
    (repository / "new é.yaml").write_text("a: 1\n")
    (repository / "ignored.yaml").write_text("a: 1\n")
    expected = ["committed.yaml", "edited.yaml", "new é.yaml", "staged.yaml"]
    assert files(repository) == expected
    # From a folder below, git lists untracked files of that folder alone unless it is asked above.
    assert files(repository, folder=repository / "k8s") == expected
    assert files(repository, "HEAD") == expected[1:]


def test_in_a_hook_of_git_the_folders_own_repository_is_asked(repository, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / "none"))
    assert files(repository, folder=repository / "k8s") == ["committed.yaml"]


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("mian", "--changed mian: no such revision; name a branch, tag or commit, or fetch it"),
        ("--all", "--changed --all: no such revision"),
    ],
)
def test_a_revision_that_is_not_there_is_refused(repository, base, said):
    with pytest.raises(BadInput, match=said):
        changed.paths(repository, base)


def test_a_revision_without_common_history_is_refused(repository):
    git(repository, "checkout", "-q", "--orphan", "apart")
    git(repository, "commit", "-q", "-m", "apart")
    with pytest.raises(BadInput, match="has no common history with HEAD; fetch all of it"):
        changed.paths(repository, "main")


def test_a_folder_in_no_repository_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BadInput, match="leave --changed out"):
        changed.paths(tmp_path, "main")


def test_without_git_the_error_names_it(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(MissingTool, match="git: not on PATH; install it, or leave --changed out"):
        changed.paths(repository, "main")


def result(gate, status, *findings):
    return Result(f"gate:{gate}", "t", "kubernetes", status, Level.TESTED, "files", "", findings)


def test_only_findings_in_changed_files_are_left_and_fail(repository):
    here = Finding("committed.yaml:1", "wrong; correct it", "NET001")
    there = Finding("old.yaml:1", "wrong; correct it", "NET001")
    folder = Finding("k8s", "a chart was not judged", "files", warning=True)
    report = Report(
        ".",
        (),
        "2026-11-20",
        (
            result("NET001", Status.FAIL, here, there),
            result("NET002", Status.FAIL, there),
            result("NET003", Status.ERROR),
        ),
        remarks=(folder, there),
        suppressed=((there, "old"), (here, "known")),
    )
    left = changed.only(report, changed.paths(repository, "main"))
    assert left.findings == (here,)
    statuses = [one.status for one in left.results]
    assert statuses == [Status.FAIL, Status.PASS, Status.ERROR]
    assert (left.remarks, left.suppressed) == ((), ((here, "known"),))
    (repository / "k8s/deep.yaml").write_text("a: 2\n")
    below = changed.only(report, changed.paths(repository, "main"))
    assert below.remarks == (folder,)
