"""Actions find what is made before them: in the folder that they look in, and as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import join, normpath

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.pipelines.checkouts import repository_of
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: A version with a trailing zero, which YAML reads as a shorter number.
_LOST = re.compile(r"(?<![\w.\"'])(\d+\.\d*0)(?![\w.\"'])")
_VERSIONS = re.compile(r"(?i)(python|node|go|java|ruby|php|dotnet|rust|elixir|version)")
_LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "yarn": ("yarn.lock",),
    "pnpm": ("pnpm-lock.yaml",),
}
#: Actions that bring no files of the repository.
_BRINGS_NONE = re.compile(
    r"(actions/(setup-|cache|create-github-app-token)|docker/(setup-|login-)|step-security/harden-runner"
    r"|aws-actions/|google-github-actions/|azure/login|jlumbroso/free-disk-space).*"
)
_DOWNLOADS = re.compile(r"actions/download-artifact@|dawidd6/action-download-artifact@")
_HASHED = re.compile(r"\$\{\{[^}]*\bhashFiles\(")
_RUNS = re.compile(r"\bdocker run\b[^\n]*?\s([\w./-]+:[\w.-]+)(?=\s|$)")


def check(files: Files) -> Iterator[Finding]:
    """Yield versions that lose a digit, images that stay away, and files that are elsewhere."""
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            yield from _versions(workflow, name, job)
            yield from _images(workflow, name, job)
            yield from _kept(workflow, name, job)
            yield from _locked(files, workflow, name, job)
            yield from _early(workflow, name, job)
            yield from _committed(files, workflow, name, job)


def _versions(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    matrix = fields(job.data, "strategy", "matrix")
    for variable, values in matrix.items():
        numbers = (
            [one for one in values if isinstance(one, float)] if isinstance(values, list) else []
        )
        if not numbers or not _VERSIONS.search(str(variable)):
            continue
        where = workflow.at("jobs", name, "strategy", "matrix", str(variable))
        line = int(where.rpartition(":")[2]) if where.rpartition(":")[2].isdecimal() else 0
        text = "\n".join(workflow.text.splitlines()[line - 1 : line + len(values)])
        for written in _LOST.findall(text):
            if float(written) in numbers and f"{float(written):g}" != written:
                what = f"{name} has the {variable} {written}, a number for YAML: {float(written):g}"
                yield Finding(where, f'{what}; write "{written}"')


def _images(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield images that are built, kept in the builder's cache only, and then run."""
    with_builder = any(step.uses.startswith("docker/setup-buildx-action") for step in job.steps)
    for number, step in enumerate(job.steps):
        if not step.uses.startswith("docker/build-push-action") or not with_builder:
            continue
        if any(step.inputs.get(key) for key in ("push", "load", "outputs")):
            continue
        tags = str(step.inputs.get("tags") or "").replace(",", "\n").split()
        for later in job.steps[number + 1 :]:
            for image in _RUNS.findall(later.run):
                if image in tags:
                    what = f"{name} builds {image}, which is neither pushed nor loaded, and runs it"
                    where = workflow.at("jobs", name, "steps", number)
                    yield Finding(where, f"{what} later, when it is not there; write load: true")


def _kept(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield paths of artifacts as scripts see them, which run in a folder; actions do not."""
    folder = normpath(job.folder) if job.folder and "$" not in job.folder else ""
    for number, step in enumerate(job.steps if folder not in ("", ".") else ()):
        path = str(step.inputs.get("path") or "")
        is_upload = step.uses.startswith("actions/upload-artifact@")
        is_plain = re.fullmatch(r"(\./)?[\w-][\w.-]*/?", path) and normpath(path) != folder
        made = any(step.run and not step.folder for step in job.steps[:number])
        brought = any("download" in one.uses or "$" in one.run for one in job.steps[:number])
        if is_upload and is_plain and made and not brought:
            what = f"{name} keeps {path}, and its scripts run in {folder}: actions look in the root"
            where = workflow.at("jobs", name, "steps", number, "with", "path")
            yield Finding(where, f"{what}; write {folder}/{normpath(path)}", warning=True)


def _locked(files: Files, workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    if (root := repository_of(files, workflow)) is None:
        return
    for number, step in enumerate(job.steps):
        cache = str(step.inputs.get("cache") or "")
        names = _LOCKS.get(cache, ()) if step.uses.startswith("actions/setup-node@") else ()
        if not names or step.inputs.get("cache-dependency-path"):
            continue
        there = sorted(
            p for lock in names for p in (*root.glob(f"*/{lock}"), *root.glob(f"*/*/{lock}"))
        )
        if there and not any((root / lock).is_file() for lock in names):
            place = there[0].relative_to(root).as_posix()
            what = (
                f"{name} keeps packages of {cache} by a lock file in the root, which is not there:"
            )
            where = workflow.at("jobs", name, "steps", number, "with", "cache")
            yield Finding(where, f"{what} the step fails; write cache-dependency-path: {place}")


def _committed(files: Files, workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield images of what earlier steps bring, which are built from the commit without it."""
    root = repository_of(files, workflow)
    for number, step in enumerate(job.steps if root is not None else ()):
        is_build = step.uses.startswith("docker/build-push-action@")
        if not is_build or step.inputs.get("context"):
            continue
        path = str(step.inputs.get("file") or "Dockerfile")
        whole = normpath(join(workflow.path.partition(".github/")[0], path))
        own = next((one for one in dockerfiles(files) if one.path == whole), None)
        found = stages(str(own.content)) if own else []
        before = job.steps[:number]
        brought = [_brought(one) for one in before if _DOWNLOADS.match(one.uses)]
        for copied in (
            word for stage in found for one in stage.instructions for word in _taken(one)
        ):
            top = copied.split("/")[0]
            is_there = root is not None and (root / top).exists()
            if copied != "." and (copied in brought or (top in brought and not is_there)):
                what = f"{name} builds from the commit, as it names no context, and {copied}, which"
                said = f"{what} an earlier step brings and {path} copies, is not in it: the build"
                where = workflow.at("jobs", name, "steps", number)
                yield Finding(where, f"{said} ends; write `context: .`", warning=is_there)
                break


def _brought(step: Step) -> str:
    return normpath(str(step.inputs.get("path") or "."))


def _taken(one: Instruction) -> list[str]:
    """List the files and folders that an instruction copies from the context."""
    plain = one.operands
    is_plain = one.word == "COPY" and "--from" not in one.rest and not set("$*?[<") & {*one.rest}
    return [normpath(word).lstrip("/") for word in plain[:-1]] if is_plain else []


def _early(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield actions and hashes of the repository's files before these are there."""
    # A runner of one's own may have the files of an earlier run.
    is_fresh = bool(re.match(r"(ubuntu|windows|macos)-", str(job.data.get("runs-on"))))
    for number, step in enumerate(job.steps):
        later = any("actions/checkout@" in one.uses for one in job.steps[number + 1 :])
        where = workflow.at("jobs", name, "steps", number)
        if step.uses.startswith("./"):
            what = f"{name} runs {step.uses} before actions/checkout, when its folder is not"
            said = f"{what} there: the step fails; check out first"
            if later:
                yield Finding(where, said, warning=not is_fresh)
            return
        hashed = [key for key, one in step.inputs.items() if _HASHED.search(str(one))]
        for key in hashed if later else ():
            what = f"{name} takes hashFiles() before actions/checkout, when there are no files: it"
            at = workflow.at("jobs", name, "steps", number, "with", key)
            said = f"{what} is empty, so the key never changes; check out first"
            yield Finding(at, said, warning=not is_fresh)
        if not _BRINGS_NONE.fullmatch(step.uses) and not _is_mere_text(step.run):
            return


def _is_mere_text(script: str) -> bool:
    """Tell whether a script only says something."""
    lines = [line.strip() for line in script.splitlines() if line.strip()]
    return bool(lines) and all(line.startswith(("echo ", "#")) for line in lines)


GATE = Gate(
    id="PIP016",
    title="Actions find what is made before them, and versions are as written",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax: "
    "`defaults.run` is for scripts; https://github.com/actions/setup-node#caching-global-packages-data",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    reads="versions of a matrix, docker/build-push-action beside `docker run` and without a "
    "context, paths of artifacts in jobs whose scripts run in a folder, lock files for the "
    "cache of setup-node, and actions of the repository and hashFiles() before its checkout.",
)
