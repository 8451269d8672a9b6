"""A version that make takes from the tags of git is there in the job that delivers by it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.makefiles import MakeRule, make_rules, makefiles
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.checkouts import BRINGS, commits_of, is_of_tags
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.shell import Command, steps
from tarmac.check.gates.views.pipelines.workflows import FOLDER, Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_MAKE = re.compile(r"^make\b([^|;&<>]*)$")
_FOLDER = re.compile(r"(?:^|\s)(?:-C|--directory)[ =]?(\S+)")
#: A variable that is the name of the last tag, where nothing stands in for one that is not there.
_TAG = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*[:?]*=[ \t]*(?:v?\$\(shell[ \t]+)"
    r"git[ \t]+describe\b(?![^\n]*(?:--always|--all|\|\||-echo))[^\n]*\)[ \t]*$",
    re.MULTILINE,
)
#: Steps after which others have what was made.
_DELIVERS = re.compile(r"upload-artifact|release|publish|deploy|push|s3|pages", re.IGNORECASE)
_SENDS = re.compile(
    r"\b(docker push|podman push|twine upload|npm publish|gh release|aws s3|helm push|goreleaser"
    r"|gsutil|scp|rsync)\b"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield commands that build what is delivered by the name of a tag that is not there."""
    for workflow, name, job, made in _making(files):
        if commits_of(job) is None or is_of_tags(workflow):
            continue
        told = [one.text for _, commands in steps(workflow, name) for one in commands]
        if any(map(BRINGS.search, told)) or not _delivers(job, told):
            continue
        for command, variable in made:
            what = f"{name} checks out one commit without tags, and make takes {variable} from"
            said = f"{what} `git describe`: it is empty in what is delivered"
            yield Finding(command.where, f"{said}; write fetch-depth: 0", warning=True)
            break


@once
def _making(files: Files) -> Iterator[tuple[Workflow, str, Job, list[tuple[Command, str]]]]:
    """Yield jobs that call make for what has the name of a tag in it."""
    found = {
        posixpath.dirname(one.path): str(one.content)
        for one in makefiles(files)
        if "git describe" in str(one.content)
    }
    for workflow in workflows(files) if found else ():
        root = workflow.path.partition(FOLDER)[0]
        for name, job in workflow.jobs.items():
            every = [one for _, commands in steps(workflow, name) for one in commands]
            made = [(one, said) for one in every if (said := _made(one, root, found))]
            if made:
                yield workflow, name, job, made


def _made(command: Command, root: str, known: Mapping[str, str]) -> str:
    """Name the variable with a tag's name that a call of make needs; "" for none."""
    called = _MAKE.match(command.text.strip())
    if called is None:
        return ""
    inside = _FOLDER.search(called[1])
    folder = posixpath.normpath(posixpath.join(root, inside[1] if inside else ""))
    text = known.get("" if folder == "." else folder, "")
    rules: dict[str, MakeRule] = {}
    for rule in make_rules(text):
        rules.setdefault(rule.name, rule)
    asked = [one for one in called[1].split() if one in rules] or [*rules][:1]
    done = _done(rules, asked)
    for variable in map(str, _TAG.findall(text)):
        is_read = re.search(rf"\$[({{]{variable}[)}}]", done)
        if is_read and not re.search(rf"\b{variable}=", command.text):
            return variable
    return ""


def _done(rules: Mapping[str, MakeRule], asked: list[str]) -> str:
    """Return all that make does for some targets."""
    seen, left, done = set[str](), [*asked], list[str]()
    while left:
        name = left.pop()
        if name in rules and name not in seen:
            seen.add(name)
            done.append(rules[name].recipe)
            left += rules[name].needs
    return "\n".join(done)


def _delivers(job: Job, told: list[str]) -> bool:
    is_sent = any(map(_SENDS.search, told))
    return is_sent or any(_DELIVERS.search(step.uses) for step in job.steps)


GATE = Gate(
    id="PIP070",
    title="A version that make takes from tags is there in what is delivered",
    phase="delivery",
    source="https://github.com/actions/checkout#fetch-all-history-for-all-tags-and-branches: only "
    "the one commit is fetched, without tags, unless `fetch-depth` says more",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs that make by a tag", _making),
    targets=("repository",),
    reads="calls of make in jobs with one checkout that upload, publish or deploy, and variables "
    "of the Makefile by `git describe` that the recipe of the target reads.",
)
