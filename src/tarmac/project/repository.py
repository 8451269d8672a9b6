"""Brings revisions of repositories onto this machine, by the user's own git.

Called by `reading`. Nothing of a repository runs: no hooks, no submodules. Git asks no questions:
it has no terminal. What is brought stays in the user's cache, one folder for each commit.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from tarmac.base.errors import MissingTool, TarmacError, did_you_mean
from tarmac.base.foreign import git
from tarmac.base.places import cache_folder
from tarmac.model.include import COMMIT, FILE_URL, GitRevision

FOLDER = "included"
#: A shallow copy of a large repository over a slow line; then something hangs.
LIMIT_S = 180.0
#: What git may do on its own is off: hooks, submodules, watchers, work in the background.
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.version": "2",
}


class GitFailure(TarmacError):
    """A revision cannot be had; the text says why, and what to do."""

    exit_code = 2


def commit_of(revision: GitRevision) -> str:
    """Ask a repository which commit a revision is now.

    Raises:
        GitFailure: it is away, or has no such revision.
        MissingTool: git is not here.
    """
    if COMMIT.fullmatch(revision.revision):
        return revision.revision
    asked = _git(revision.url, "ls-remote", "--heads", "--tags", "--", revision.url)
    if asked.returncode:
        raise _away(revision.url, asked)
    found = {}
    for line in asked.stdout.decode(errors="replace").splitlines():
        commit, _, name = line.partition("\t")
        found[name] = commit
    name = revision.revision
    # Of an annotated tag, the commit; a tag before a branch of the same name, as git has it.
    for reference in (f"refs/tags/{name}^{{}}", f"refs/tags/{name}", f"refs/heads/{name}"):
        if COMMIT.fullmatch(found.get(reference, "")):
            return found[reference]
    known = {reference.split("/", 2)[2].removesuffix("^{}") for reference in found}
    raise GitFailure(f"{revision.url} has no tag or branch '{name}'; {did_you_mean(name, known)}")


def folder_of(url: str, commit: str) -> Path:
    """Return where the files of a commit are, or would be."""
    repository = GitRevision(url, commit).name
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    return cache_folder() / FOLDER / f"{repository}-{digest}" / commit


def bring(url: str, commit: str) -> Path:
    """Find the files of a commit in the cache, or bring them there.

    Raises:
        GitFailure: the repository is away, lacks the commit, or has a link that leads out of it.
        MissingTool: git is not here.
    """
    folder = folder_of(url, commit)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as made:
        bare, files = Path(made, "git"), Path(made, "files")
        files.mkdir()
        _fill(url, commit, bare, files)
        if out := _leading_out(files):
            raise GitFailure(
                f"{url} has a link that leads out of it ({out}); replace it with the file itself"
            )
        with contextlib.suppress(OSError):  # another process was faster
            files.rename(folder)
    return folder


def _fill(url: str, commit: str, bare: Path, files: Path) -> None:
    """Fetch a commit alone, or all where a server gives none by its digits; write its files."""
    here = (f"--git-dir={bare}", f"--work-tree={files}")
    fetch = (*here, "fetch", "--quiet")
    _git(url, "init", "--quiet", "--bare", "--template=", str(bare))
    _git(url, *here, "config", "remote.origin.url", url)  # git-lfs asks for it
    if _git(url, *fetch, "--depth=1", "--no-tags", "origin", commit).returncode:
        whole = _git(url, *fetch, "--tags", "origin", "+refs/heads/*:refs/heads/*")
        if whole.returncode:
            raise _away(url, whole)
    if _git(url, *here, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise GitFailure(f"{url} has no commit {commit}; correct `revision`, or push the commit")
    written = _git(url, *here, "checkout", "--quiet", "--force", commit, "--", ".")
    if written.returncode:
        what = f"the files of {commit[:12]} cannot be written (git: {git.said(written)})"
        raise GitFailure(f"{url}: {what}; correct that")


def _git(url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run git without a terminal, with the protocol that an address is written with."""
    protocols = "file" if url.startswith(FILE_URL) else "https:ssh"
    own = {
        "GIT_TERMINAL_PROMPT": "0",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_ALLOW_PROTOCOL": protocols,
    }
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    argv = ["git", *settings, *words]
    try:
        process = subprocess.Popen(  # a session of its own: ssh finds no terminal to ask on
            argv,
            cwd=cache_folder(),
            env={**git.environ(), **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise MissingTool("git: not on PATH; install it, it reads included repositories") from None
    try:
        out, errors = process.communicate(timeout=LIMIT_S)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        what = f"{url} did not answer within {LIMIT_S:g} s; try `git ls-remote {url}`"
        raise GitFailure(what) from None
    return subprocess.CompletedProcess(argv, process.returncode, out, errors)


def _away(url: str, ended: subprocess.CompletedProcess[bytes]) -> GitFailure:
    return GitFailure(
        f"{url} cannot be read (git: {git.said(ended)}); correct the address, or your access: "
        f"`git ls-remote {url}` tries it"
    )


def _leading_out(folder: Path) -> str:
    """Find a link that leads out of a folder; empty: there is none."""
    root = folder.resolve()
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *names)):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                return str(path.relative_to(folder))
    return ""
