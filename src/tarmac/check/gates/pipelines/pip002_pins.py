"""Third-party actions are pinned to a commit, which their owners cannot move."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tarmac.base import versions
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

COMMIT = re.compile(r"[0-9a-f]{40}")
USES = re.compile(r"""^[ -]*uses: *['"]?([^\s'"#]+)['"]? *(?:# *(\S+))?""", re.MULTILINE)
VERSION = re.compile(r"v?\d+(\.\d+){1,2}\b")


def check(subject: Files) -> Iterator[Finding]:
    """Yield each action with a tag or branch, or with a wrong version comment."""
    for workflow in workflows(subject):
        for use in dict.fromkeys(match.groups() for match in USES.finditer(workflow.text)):
            yield from _of(workflow, *use)


def _of(workflow: Workflow, uses: str, remark: str | None) -> Iterator[Finding]:
    if uses.startswith("./"):
        return
    where = workflow.line(uses)
    if uses.startswith("docker://"):
        if "@sha256:" not in uses:
            yield Finding(where, f"{uses} is not pinned; write its @sha256: digest")
        return
    name, _, revision = uses.partition("@")
    known = versions.read().actions.get(name)
    if not COMMIT.fullmatch(revision):
        better = f"{name}@{known.digest}  # {known.version}" if known and known.digest else ""
        advice = f"write {better}" if better else "write the whole commit of its release"
        yield Finding(
            where, f"{uses} is a tag or branch, which its owners or an attacker can move; {advice}"
        )
    elif remark is None or not VERSION.match(remark):
        yield Finding(
            where,
            f"{name}@{revision[:12]} has no version comment, so no bot can update it; "
            "append it, e.g. `# v1.2.3`",
        )
    elif known and known.digest == revision and remark.strip() != known.version:
        what = f"{name}@{revision[:12]} has the comment {remark}; it is {known.version}, write that"
        yield Finding(where, what)


def _references(subject: Files) -> list[str]:
    found = (name for flow in workflows(subject) for name, _ in USES.findall(flow.text))
    return [name for name in found if not name.startswith("./")]


def of_files(files: Files) -> Iterator[Finding]:
    """Yield tags and branches, as warnings: files are read without the comments in them."""
    for workflow in workflows(files):
        for uses in dict.fromkeys(match[1] for match in USES.finditer(workflow.text)):
            is_pinned = COMMIT.fullmatch(uses.partition("@")[2])
            for found in () if is_pinned else _of(workflow, uses, None):
                yield replace(found, warning=True)


GATE = Gate(
    id="PIP002",
    title="Every action is pinned to a commit, with its version as a comment",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/security/secure-use: a tag can be moved, "
    "and was, which exposed the secrets of its users",
    check=check,
    of_files=of_files,
    of_objects=False,
    scope=counted_in_files("references to actions", _references),
    reads="`uses:` in all files of .github/workflows. That the commit is of that version is "
    "known of the actions of assets/versions.yaml alone. Of files without a plan: tags and "
    "branches, as warnings.",
    targets=("repository",),
)
