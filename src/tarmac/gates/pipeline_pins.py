"""What a pipeline takes from others cannot be changed by them: actions are named by a commit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac import versions
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._workflows import Workflow, workflows
from tarmac.report import Finding

COMMIT = re.compile(r"[0-9a-f]{40}")
USES = re.compile(r"""^[ -]*uses: *['"]?([^\s'"#]+)['"]? *(?:# *(\S+))?""", re.MULTILINE)
VERSION = re.compile(r"v?\d+(\.\d+){1,2}\b")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each action that is named by a tag or branch, or whose version is not said truly."""
    for workflow in workflows(subject):
        for match in dict.fromkeys(each.groups() for each in USES.finditer(workflow.text)):
            yield from _of(workflow, *match)


def _of(workflow: Workflow, uses: str, remark: str | None) -> Iterator[Finding]:
    if uses.startswith("./"):
        return
    where = workflow.line(uses)
    if uses.startswith("docker://"):
        if "@sha256:" not in uses:
            yield Finding(where, f"{uses} can be another image tomorrow; write its @sha256: digest")
        return
    name, _, revision = uses.partition("@")
    known = versions.read().actions.get(name)
    if not COMMIT.fullmatch(revision):
        better = f"{name}@{known.digest}  # {known.version}" if known and known.digest else ""
        advice = f"write {better}" if better else "write the whole commit of its release"
        yield Finding(where, f"{uses} is a name that its owners, or a thief, can move; {advice}")
    elif remark is None or not VERSION.match(remark):
        yield Finding(
            where,
            f"nobody sees which version {name}@{revision[:12]} is, nor can a bot renew it; "
            "write it behind it, e.g. `# v1.2.3`",
        )
    elif known and known.digest == revision and remark.strip() != known.version:
        what = f"{name}@{revision[:12]} is said to be {remark}; it is {known.version}, write that"
        yield Finding(where, what)


GATE = Gate(
    id="PIP002",
    title="Every action is named by a commit, with its version behind it",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/security/secure-use: a tag can be moved, "
    "and was, with everybody's secrets in reach",
    check=check,
    looks_at="`uses:` in all files of .github/workflows. That the commit is of that version is "
    "known of the actions of assets/versions.yaml alone.",
    targets=("repository",),
)
