"""How services are linted, tested and built, by language: on a laptop and on a runner alike."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any

from tarmac.base.languages import spoken
from tarmac.plan.cluster import ClusterPlan, Workload

#: What every service of the kit is made of and tested with besides its own folder: the kit where it
#: is a folder here, what is locked, how its image is made.
SHARED = ("kit", "kit-testing", "pyproject.toml", "uv.lock", "containers")


@dataclass(frozen=True)
class Language:
    """How services in a language are looked at, on a laptop and on a runner alike."""

    name: str
    #: In the service's folder.
    lint: tuple[tuple[str, ...], ...]
    test: tuple[tuple[str, ...], ...]


_GO_COVERAGE = "-coverprofile=coverage/coverage.out"
LANGUAGES = (
    Language("python", (), ()),  # by the folders that are mounted in its process
    Language(
        "node",
        (("npm", "ci"), ("npm", "run", "lint")),
        (("npm", "ci"), ("npm", "test", "--", "--coverage", "--coverageDirectory=coverage")),
    ),
    Language(
        "go",
        (
            ("sh", "-c", 'test -z "$(gofmt -l .)" || { gofmt -l .; exit 1; }'),
            ("go", "vet", "./..."),
        ),
        (("mkdir", "-p", "coverage"), ("go", "test", _GO_COVERAGE, "./...")),
    ),
    Language(
        "java",
        (("mvn", "-B", "-ntp", "-DskipTests", "verify"),),
        (("mvn", "-B", "-ntp", "verify"),),
    ),
)
#: Whatever else: two targets that its folder has to have.
OTHER = Language("other", (("make", "lint"),), (("make", "test"),))


def language_of(workload: Workload) -> Language:
    """Tell a service's language by how it is started; those of the kit are in Python."""
    name = spoken(workload.parts, workload.about)
    return next((language for language in LANGUAGES if language.name == name), OTHER)


def languages(plan: ClusterPlan) -> tuple[str, ...]:
    """Name the languages of a system, each once."""
    return tuple(dict.fromkeys(language_of(service).name for service in plan.own_services))


def folders(plan: ClusterPlan, workload: Workload) -> tuple[str, ...]:
    """List the folders of a service's sources, from the repository's root; `` is all of it."""
    here = posixpath.dirname(plan.model)
    found = (posixpath.normpath(posixpath.join(here, e)) for e in workload.sources or (".",))
    return tuple("" if folder == "." else folder for folder in found)


def paths(plan: ClusterPlan, workload: Workload) -> tuple[str, ...]:
    """List all that a change of which is a change of a service."""
    shared = SHARED if workload.parts else ()
    return (*folders(plan, workload), *shared, plan.model)


def coverage(plan: ClusterPlan, workload: Workload) -> str:
    """Name the folder of a service's coverage."""
    return posixpath.join(folders(plan, workload)[0], "coverage")


def _python(folders: tuple[str, ...], workload: Workload) -> dict[str, list[list[str]]]:
    run = ["uv", "run", "--frozen"]
    measured = workload.parts or folders
    tests = [posixpath.join(folder, "tests") for folder in folders]
    report = posixpath.join(folders[0], "coverage/coverage.xml")
    return {
        "lint": [
            [*run, "ruff", "format", "--check", *(folder or "." for folder in folders)],
            [*run, "ruff", "check", *(folder or "." for folder in folders)],
        ],
        "test": [
            [
                *(*run, "pytest", "-q", *tests, *(f"--cov={package}" for package in measured)),
                *(f"--cov-report=xml:{report}", "--cov-report=term"),
            ]
        ],
    }


def commands(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Return the folder in which a service is checked, and its commands there."""
    own, language = folders(plan, workload), language_of(workload)
    if language.name == "python":
        return {"folder": ".", **_python(own, workload)}
    lint, test = ([list(argv) for argv in argvs] for argvs in (language.lint, language.test))
    return {"folder": own[0] or ".", "lint": lint, "test": test}


def build_arguments(plan: ClusterPlan, workload: Workload) -> list[str]:
    """Return the arguments of `docker build` for its image, the folder at the end."""
    if not workload.parts:
        return [folders(plan, workload)[0] or "."]
    given = {"SERVICE": workload.parts, "EXTRAS": workload.extras}
    arguments = [
        part for n, v in given.items() if v for part in ("--build-arg", f"{n}={' '.join(v)}")
    ]
    return ["--file", "containers/Dockerfile", *arguments, "."]
