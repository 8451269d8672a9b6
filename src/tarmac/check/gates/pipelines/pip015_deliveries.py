"""What workflows deliver was tested and pushed, is not cut off, and runs where its files are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath

from tarmac.base.foreign.reading import dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.checkouts import repository_of
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: Of what begins with ref, PIP063 says how it is written.
_REF = re.compile(
    r"github\.ref\s*[!=]=\s*'(?!refs?/)([^'$]+)'|'(?!refs?/)([^'$]+)'\s*[!=]=\s*github\.ref\b(?!_)"
)
_TESTS = re.compile(
    r"(^|[\s;&|])(pytest|tox|nox|go test|cargo test|mvn (\S+ )*(test|verify)"
    r"|\S*gradlew? (\S+ )*(test|check)|(npm|yarn|pnpm)( run)? test|jest|vitest"
    r"|rspec|phpunit|dotnet test|make (test|check))(\s|$)",
    re.MULTILINE,
)
_CHANGES = re.compile(
    r"\b(terraform|terragrunt)\b.*\bapply\b|\bpulumi\b.*\bup\b|\bhelm\b.*\b(upgrade|install)\b"
    r"|\bkubectl\b.*\b(apply|set image|rollout)\b|\b(cdk|sls|serverless) deploy\b"
    r"|\bansible-playbook\b"
)
_PUSHED = re.compile(r"\bdocker push [\"']?([^\s\"':]+(?::\d+/[^\s\"':]+)?):([^\s\"']+)")
_SET = re.compile(
    r"\bkubectl\b.* set image \S+ [\"']?[\w.-]+=([^\s\"':]+(?::\d+/[^\s\"':]+)?):([^\s\"']+)"
)
#: What installs packages, by the folders that its cache keeps.
_PACKAGES = re.compile(
    r"node_modules|\.venv|site-packages|\.m2|\.gradle|vendor|go/pkg|\.cargo|\.npm|\.cache/(pip|yarn|uv)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield conditions, tags, caches and folders that are not what the workflow means."""
    for workflow in workflows(files):
        yield from _references(workflow)
        yield from _tests(workflow)
        yield from _cut_off(workflow)
        yield from _tags(workflow)
        for name, job in workflow.jobs.items():
            yield from _caches(workflow, name, job)
            yield from _folders(files, workflow, name, job)


def _references(workflow: Workflow) -> Iterator[Finding]:
    for name, job in workflow.jobs.items():
        for path, text in job.places(("jobs", name)):
            if path[-1] == "if" and (found := _REF.search(text)):
                ref = found[1] or found[2]
                branch = re.sub(r"^/?ref/heads/|^heads/", "", ref)
                what = f"{name} compares github.ref, which is refs/heads/... or refs/tags/..., with"
                advice = f"write github.ref_name, or 'refs/heads/{branch}'"
                yield Finding(workflow.at(*path), f"{what} '{ref}', which it never is; {advice}")


def _tests(workflow: Workflow) -> Iterator[Finding]:
    """Yield tests whose failure lets a job go on that delivers."""
    for name, job in workflow.jobs.items():
        after = [one for one in workflow.jobs.values() if name in one.needs]
        if not any(map(_delivers, [job, *after])):
            continue
        for number, step in enumerate(job.steps):
            is_read = step.id and any(f"steps.{step.id}." in text for text in job.texts)
            if (
                step.data.get("continue-on-error") is True
                and _TESTS.search(step.run)
                and not is_read
            ):
                what = f"{name} goes on when its tests fail, and what comes after it delivers"
                where = workflow.at("jobs", name, "steps", number)
                yield Finding(where, f"{what}; remove continue-on-error", warning=True)


def _delivers(job: Job) -> bool:
    return "environment" in job.data or any(_CHANGES.search(step.run) for step in job.steps)


def _cut_off(workflow: Workflow) -> Iterator[Finding]:
    """Yield changes of a system that a later run ends halfway."""
    for name, job in workflow.jobs.items():
        changes = [step for step in job.steps if _CHANGES.search(step.run)]
        for data, path in ((workflow.data, ()), (job.data, ("jobs", name))):
            if changes and dig(data, "concurrency", "cancel-in-progress") is True:
                what = f"{name} changes what runs ({changes[0].title}), and the next run ends it"
                where = workflow.at(*path, "concurrency")
                advice = "set cancel-in-progress to false"
                yield Finding(where, f"{what} halfway; {advice}", warning=True)
                return


def _tags(workflow: Workflow) -> Iterator[Finding]:
    """Yield images that are set with a tag, and pushed with others only."""
    pushed: dict[str, set[str]] = {}
    for job in workflow.jobs.values():
        for step in job.steps:
            for image, tag in _PUSHED.findall(step.run):
                pushed.setdefault(image, set()).add(tag)
            if step.uses.startswith("docker/build-push-action"):
                return  # its tags may come from anywhere
            if re.search(r"docker push (-a|--all-tags)|buildx|\bdocker push \S*\$", step.run):
                return
    for name, job in workflow.jobs.items():
        for number, step in enumerate(job.steps):
            for image, tag in _SET.findall(step.run):
                if image in pushed and _plain(tag) not in set(map(_plain, pushed[image])):
                    told = ", ".join(sorted(pushed[image]))
                    what = f"{name} runs {image}:{tag}, and the workflow pushes {told} only"
                    where = workflow.at("jobs", name, "steps", number)
                    yield Finding(where, f"{what}; build and push that tag")


def _plain(tag: str) -> str:
    return re.sub(r"[${}\s]|github\.|GITHUB_", "", tag).lower()


def _caches(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    for number, step in enumerate(job.steps):
        key, kept = str(step.inputs.get("key") or ""), str(step.inputs.get("path") or "")
        is_cache = re.match(r"actions/cache(/restore)?@", step.uses)
        # What differs from run to run, or is computed before, is not constant.
        rest = re.sub(r"\$\{\{\s*(runner|matrix|env)\.[\w.-]+\s*\}\}", "", key)
        if is_cache and key and "${{" not in rest and _PACKAGES.search(kept):
            folder = kept.split(maxsplit=1)[0]
            what = f"{name} keeps {folder} under the key {key}, which never changes: new"
            advice = "packages are never kept; add ${{ hashFiles('...') }} of the lock file"
            where = workflow.at("jobs", name, "steps", number, "with", "key")
            yield Finding(where, f"{what} {advice}", warning=True)


def _folders(files: Files, workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield folders to run in that the repository has elsewhere only."""
    if (root := repository_of(files, workflow)) is None:
        return
    default = job.folder or str(
        dig(fields(workflow.data), "defaults", "run", "working-directory") or ""
    )
    for number, step in enumerate(job.steps):
        if _may_make(step):
            return
        wanted = normpath(step.folder or default) if step.run else ""
        is_own = wanted and "$" not in wanted and not wanted.startswith(("/", "~", ".."))
        if is_own and not (root / wanted).is_dir() and (there := _elsewhere(root, wanted)):
            what = f"{name} runs in {wanted}, which is not in the repository"
            where = workflow.at("jobs", name, "steps", number)
            yield Finding(where, f"{what}; {there} is")
            return


def _may_make(step: Step) -> bool:
    """Tell whether a step may bring a folder: any action but a plain checkout, most scripts."""
    if step.uses:
        is_checkout = step.uses.startswith("actions/checkout@")
        is_plain = (
            is_checkout and not {"path", "repository", "ref", "submodules"} & step.inputs.keys()
        )
        return not is_plain and not step.uses.startswith(("actions/setup-", "actions/cache@"))
    return (
        re.search(r"mkdir|clone|\bcp\b|\bmv\b|tar|unzip|create|init|generate", step.run) is not None
    )


def _elsewhere(root: Path, wanted: str) -> str:
    """Find a folder of the same name two steps below; empty where there is none, or several."""
    last = wanted.rpartition("/")[2]
    found = [*root.glob(f"*/{last}"), *root.glob(f"*/*/{last}")]
    there = [one for one in found if one.is_dir() and ".git" not in one.parts]
    return there[0].relative_to(root).as_posix() if len(there) == 1 else ""


GATE = Gate(
    id="PIP015",
    title="What workflows deliver was tested and pushed, and is not cut off",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/contexts",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    reads="comparisons of github.ref, continue-on-error of tests, cancel-in-progress beside what "
    "changes a system, tags of `docker push` and `kubectl set image`, keys of caches of packages, "
    "and working-directory, where nothing before could have made it.",
)
