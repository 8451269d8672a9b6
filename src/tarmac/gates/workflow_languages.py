"""A pipeline's tools fit the services it runs them for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig
from tarmac.gates._scripts import is_workflow, lines
from tarmac.report import Finding

#: What a folder is of, by the files that its tools read.
MANIFESTS = {
    "Node": ("package.json",),
    "Python": ("pyproject.toml", "requirements.txt", "setup.py", "Pipfile"),
    "Go": ("go.mod",),
    "Java": ("pom.xml", "build.gradle"),
}
TOOLS = {
    "Node": re.compile(r"(?<![\w/.-])(?:npm|npx|yarn|pnpm)\s"),
    "Python": re.compile(r"(?<![\w/.-])(?:pip|pip3|pytest|poetry|ruff)\s"),
    "Go": re.compile(r"(?<![\w/.-])go (?:test|build|vet)\b"),
    "Java": re.compile(r"(?<![\w/.-])(?:mvn|\./mvnw|gradle|\./gradlew)\s"),
}
_CD = re.compile(
    r"(?:\bcd|--prefix|--directory|-C)[ =]+\"?([^\s\"&;]*\$\{\{\s*matrix\.[\w-]+\s*\}\}[^\s\"&;]*)"
)
_MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")
_OUTPUT = re.compile(r"needs\.([\w-]+)\.outputs\.([\w-]+)")
_STEP = re.compile(r"steps\.([\w-]+)\.outputs\.")


def check(files: Files) -> Iterator[Finding]:
    """Yield commands that a matrix runs in a folder of another language."""
    here = {each.path for each in files.artifacts}
    for artifact in files.artifacts:
        if is_workflow(artifact):
            root = artifact.path.partition(".github/")[0]
            for name, job in artifact.data["jobs"].items():
                yield from _job(artifact, name, job, root, here)


def _job(artifact: Artifact, name: str, job: Any, root: str, here: set[str]) -> Iterator[Finding]:
    for number, step in enumerate(dig(job, "steps") or ()):
        run, condition = dig(step, "run"), str(dig(step, "if") or "")
        if not isinstance(run, str) or "matrix." in condition or "hashFiles" in condition:
            continue  # a condition is taken to tell the languages apart
        place = artifact.at("jobs", name, "steps", number, "run")
        file, _, line = place.rpartition(":")
        first = int(line) + ("\n" in run) if file else 1
        shared = dig(job, "defaults", "run", "working-directory")
        folder = str(dig(step, "working-directory") or shared or "")
        for command in lines(file or place, run, first):
            if found := _CD.search(command.text):
                folder = found[1]
            if "package.json" in command.text or not (variable := _MATRIX.search(folder)):
                continue
            for language, tools in TOOLS.items():
                if not (tool := tools.search(f"{command.text} ")):
                    continue
                others = [
                    f"{own} ({other})"
                    for value in _values(artifact, job, variable[1])
                    if (own := _MATRIX.sub(value, folder).strip("/"))
                    and (other := _language(f"{root}{own}", here)) not in ("", language)
                ]
                if others:
                    yield Finding(
                        command.where,
                        f"runs {tool[0].strip()} for {', '.join(others)} too, where there is no "
                        f"{MANIFESTS[language][0]}; give each language its own step, or call one "
                        "target (`make -C FOLDER test`) that each service has",
                    )


def _language(folder: str, here: set[str]) -> str:
    known = MANIFESTS.items()
    found = [own for own, names in known if any(f"{folder}/{name}" in here for name in names)]
    return found[0] if len(found) == 1 else ""


def _values(artifact: Artifact, job: Any, variable: str) -> list[str]:
    """List what a variable of the matrix may be: written there, or the filters of another job."""
    given = dig(job, "strategy", "matrix", variable)
    if isinstance(given, list):
        return [str(each) for each in given]
    found = _OUTPUT.search(str(given or ""))
    other = artifact.data["jobs"].get(found[1]) if found else None
    source = _STEP.search(str(dig(other, "outputs", found[2]) or "")) if found else None
    for step in dig(other, "steps") or ():
        if source and dig(step, "id") == source[1]:
            return list(_filters(dig(step, "with", "filters")))
    return []


def _filters(text: Any) -> Mapping[str, Any]:
    try:
        read = yaml.load(str(text or ""), yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, Mapping) else {}


GATE = Gate(
    id="PIP050",
    title="A pipeline runs the tools of a service's own language",
    phase="delivery",
    source="npm in a folder of Python ends with 'no package.json', and the service is never tested",
    check=check,
    of_files=check,
    targets=(),
    looks_at="commands of a matrix's steps in workflows of GitHub Actions, in folders of the same "
    "tree; the matrix is a list, or the filters of dorny/paths-filter. Steps with a condition on "
    "the matrix are left alone. Asked of files alone.",
)
