"""Leaves of a report what is in files that a change touches, for `verify --files --changed`.

Everything is still judged: a finding between two files is at its place, and counts where that is
in a changed file. Reads git, and writes nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import git
from tarmac.base.report import Finding, Report
from tarmac.check.verify.running import leave


def paths(folder: Path, base: str) -> frozenset[Path]:
    """List the files that differ from the merge base with a revision, and the folders above them.

    Those that are not committed, or not known to git, are among them.

    Raises:
        BadInput: the folder is in no repository, or there is no such revision in its history.
        MissingTool: git is not here.
    """
    here = _git(folder, "rev-parse", "--show-toplevel")
    if here.returncode:
        what = f"not in a git repository ({git.said(here)}); leave --changed out"
        raise BadInput([Problem(str(folder), what)])
    root = Path(_output(here).removesuffix("\n"))
    commit = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"
    )
    if commit.returncode:
        what = "no such revision; name a branch, tag or commit, or fetch it: git fetch origin NAME"
        raise BadInput([Problem(f"--changed {base}", what)])
    merge_base = _git(root, "merge-base", "HEAD", _output(commit).strip())
    if merge_base.returncode:
        what = "has no common history with HEAD; fetch all of it: git fetch --unshallow"
        raise BadInput([Problem(f"--changed {base}", what)])
    ancestor = _output(merge_base).strip()
    asked = (
        ("diff", "--name-only", "--no-ext-diff", "-z", ancestor, "--"),
        ("ls-files", "--others", "--exclude-standard", "-z"),
    )
    names = [name for words in asked for name in _names(root, *words)]
    files = [(root / name).resolve() for name in names]
    return frozenset(path for file in files for path in (file, *file.parents))


def _names(root: Path, *words: str) -> list[str]:
    listed = _git(root, *words)
    if listed.returncode:
        raise BadInput(
            [Problem(str(root), f"git {words[0]} failed ({git.said(listed)}); correct it")]
        )
    return [name for name in _output(listed).split("\0") if name]


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return git.run(folder, *words, otherwise="leave --changed out")


def _output(ended: subprocess.CompletedProcess[bytes]) -> str:
    return ended.stdout.decode(errors="surrogateescape")


def only(report: Report, touched: Collection[Path]) -> Report:
    """Keep only the findings in these files."""

    def is_touched(finding: Finding) -> bool:
        return Path(finding.position[0]).resolve() in touched

    return replace(
        report,
        results=tuple(
            leave(result, filter(is_touched, result.findings)) for result in report.results
        ),
        remarks=tuple(filter(is_touched, report.remarks)),
        suppressed=tuple(entry for entry in report.suppressed if is_touched(entry[0])),
    )
