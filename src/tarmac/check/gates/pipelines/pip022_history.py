"""Scripts of workflows find the history that they read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.checkouts import BRINGS, CHECKOUT, commits_of, is_of_tags
from tarmac.check.gates.views.pipelines.shell import Command, steps
from tarmac.check.gates.views.pipelines.workflows import FOLDER, Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: What a script goes on after: it asks, or has another value.
_ASKS = re.compile(r"\|\||\b(if|while|until)\s|set \+e|--always\b|\b--all\b")
_TAGS = re.compile(r"\bgit\s+(?:-\S+\s+)*describe\b(?![^|;&]*--(?:always|all)\b)")
_PARENT = re.compile(
    r"\bgit\s+(?:-\S+\s+)*(?:diff|log|show|rev-parse|diff-tree|reset|rev-list|cherry-pick|merge-base)"
    r"\b[^|;&\n]*?(?:\bHEAD(?:\^(?![\d{])|~(\d*))|(github\.event\.before))"
)
#: Another branch: a checkout brings one ref alone.
_BRANCH = re.compile(
    r"\bgit\s+(?:-\S+\s+)*(?:diff|log|merge-base|rev-list|diff-tree|merge|rebase)\b[^|;&\n]*?"
    r"\b(origin/(?:\$\{\{[^}]*\}\}|\$\{?\w+\}?|[\w./-]*\w))"
)


#: What takes a package's version from the last tag of git, as its list of what builds it says.
_VERSIONS = re.compile(
    r"\b(setuptools[-_]scm|hatch-vcs|poetry-dynamic-versioning|versioningit|versioneer|uv-dynamic-"
    r"versioning|dunamai)\b"
)
_BUILDS = re.compile(
    r"\bpython3? -m build\b|\bpyproject-build\b|\bpipx run build\b|\b(uv|hatch|pdm|poetry) build\b"
    r"|\bsetup\.py\s+(sdist|bdist_wheel)\b"
)
#: A variable of a Makefile, and the targets for which it may matter.
_ASKED_BY_MAKE = re.compile(
    r"^\w+\s*[:?]?=.*\bgit\s+describe\b(?![^)\n]*--(?:always|all)\b)", re.MULTILINE
)
_MAKES = re.compile(
    r"(^|[;&|]\s*)make\s+(?!-C)[^;&|]*\b(build|dist|release|package|image|docker|publish|push|all)\b"
)
_PUBLISHES = re.compile(r"pypi-publish@|\btwine upload\b|\b(uv|hatch|pdm|poetry|flit) publish\b")
_VERSION_GIVEN = re.compile(r"SETUPTOOLS_SCM_PRETEND_VERSION|POETRY_DYNAMIC_VERSIONING_BYPASS")


def check(files: Files) -> Iterator[Finding]:
    """Yield commands of git for which a checkout of one commit is not enough."""
    for workflow in workflows(files):
        program, makefile = _versions(files, workflow), _makefile(files, workflow)
        for name, job in workflow.jobs.items():
            depth = commits_of(job)
            if depth is None:
                continue
            yield from _unread(workflow, name, depth)
            if makefile:
                says = f"{makefile} asks git describe for the version"
                yield from _unversioned(workflow, name, says, _is_made)
            if program:
                says = f"{program} takes the version from the last tag"
                yield from _unversioned(workflow, name, says, _BUILDS.search)


def _versions(files: Files, workflow: Workflow) -> str:
    """Name what reads a published package's version from tags; "" where nothing is published."""
    told = "\n".join(workflow.texts)
    if not _PUBLISHES.search(told) or _VERSION_GIVEN.search(told) or is_of_tags(workflow):
        return ""
    path = f"{workflow.path.partition(FOLDER)[0]}pyproject.toml"
    for artifact in files.artifacts:
        found = _VERSIONS.search(str(artifact.content)) if artifact.path == path else None
        if found is not None:
            return found[1]
    return ""


def _makefile(files: Files, workflow: Workflow) -> str:
    """Name the Makefile that asks git for a version; "" for none, or where tags start the runs."""
    path = f"{workflow.path.partition(FOLDER)[0]}Makefile"
    found = (str(one.content) for one in files.artifacts if one.path == path)
    is_asking = any(map(_ASKED_BY_MAKE.search, found)) and not is_of_tags(workflow)
    return path if is_asking else ""


def _is_made(command: str) -> bool:
    return _MAKES.search(command) is not None and "VERSION=" not in command


def _unversioned(
    workflow: Workflow, name: str, says: str, builds: Callable[[str], object]
) -> Iterator[Finding]:
    """Yield the first build whose version is that of a tag which is not there.

    Args:
        says: what takes the version from a tag.
        builds: tells whether a command builds with it.
    """
    for _, commands in steps(workflow, name):
        if any(BRINGS.search(one.text) for one in commands):
            return
        for command in commands:
            if builds(command.text):
                what = f"{name} checks out one commit without tags, and {says}: each build has the"
                yield Finding(command.where, f"{what} same one; write fetch-depth: 0", warning=True)
                return


def _unread(workflow: Workflow, name: str, depth: int) -> Iterator[Finding]:
    is_out = False
    numbers = {id(step.data): number for number, step in enumerate(workflow.jobs[name].steps)}
    first = next(n for n, step in enumerate(workflow.jobs[name].steps) if CHECKOUT.match(step.uses))
    for step, commands in steps(workflow, name):
        is_out = is_out or any(BRINGS.search(one.text) for one in commands)
        if is_out or numbers[id(step.data)] < first or step.may_fail:
            continue
        if any("set +e" in one.text for one in commands):
            continue
        for command in commands:
            if not _ASKS.search(command.text):
                yield from _needs_more(workflow, name, depth, command)


def _needs_more(workflow: Workflow, name: str, depth: int, command: Command) -> Iterator[Finding]:
    """Yield what a command reads that is not there."""
    short = f"{name} checks out {'one commit' if depth == 1 else f'{depth} commits'}"
    parent, branch = _PARENT.search(command.text), _BRANCH.search(command.text)
    if _TAGS.search(command.text) and depth == 1 and not is_of_tags(workflow):
        what = f"{short} without tags, so git describe finds no name and fails"
        yield Finding(command.where, f"{what}; write fetch-depth: 0")
    elif parent and (parent[2] or int(parent[1] or 1) >= depth):
        what = parent[2] or parent[0].rpartition(" ")[2]
        yield Finding(
            command.where,
            f"{short}, and {what} is an earlier one, which is not there; "
            f"write fetch-depth: {0 if parent[2] else int(parent[1] or 1) + 1}",
        )
    elif branch:
        what = f"{short}, and {branch[1]} is not there: the command fails"
        yield Finding(command.where, f"{what}; write fetch-depth: 0, or fetch that branch")


GATE = Gate(
    id="PIP022",
    title="Scripts of workflows find the history that they read",
    phase="delivery",
    source="https://github.com/actions/checkout#fetch-all-history-for-all-tags-and-branches: only "
    "the one commit is fetched, without tags and other branches, unless `fetch-depth` says more",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    targets=("repository",),
    reads="git describe, git diff and others of earlier commits and other branches, in jobs with "
    "one checkout and nothing that fetches more, and builds that are published with the version of "
    "a tag. Commands behind `if` or before `||` are left.",
)
