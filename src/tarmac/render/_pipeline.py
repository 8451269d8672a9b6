"""A pipeline as data: what it builds from what, by which commands, and where that goes.

Both pipelines - GitHub's and GitLab's - and the scripts that people run are made of it. The scripts
read it from `ci/services.json`, so that a step here and on a runner is the same step.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tarmac.languages import spoken
from tarmac.launch import CommandProbe, is_secret, text
from tarmac.model.environment import Environment
from tarmac.plan.cluster import ClusterPlan, Workload

DATA = "ci/services.json"
#: What came of the tests that the checklist names, as scripts/prove leaves it.
PROVEN = ".tarmac/ci/checklist.xml"
#: What every service of the kit is made of besides its own folder: the kit where it is a folder
#: here, what is locked, how its image is made.
SHARED = ("kit", "pyproject.toml", "uv.lock", "containers")
#: Those that the Dockerfile begins with: what is tested is what runs.
UV = "0.13.8"
PYTHON = "3.13"
TARMAC = ("uv", "run", "--frozen", "tarmac")
ECR = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(/|$)")


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
    return next((each for each in LANGUAGES if each.name == name), OTHER)


def languages(plan: ClusterPlan) -> tuple[str, ...]:
    """Name the languages of a system, each once."""
    return tuple(dict.fromkeys(language_of(each).name for each in plan.services))


def folders(plan: ClusterPlan, workload: Workload) -> tuple[str, ...]:
    """List the folders of a service's sources, from the repository's root; `` is all of it."""
    here = posixpath.dirname(plan.model)
    found = (posixpath.normpath(posixpath.join(here, e)) for e in workload.sources or (".",))
    return tuple("" if each == "." else each for each in found)


def paths(plan: ClusterPlan, workload: Workload) -> tuple[str, ...]:
    """List all that a change of which is a change of a service."""
    shared = SHARED if workload.parts else ()
    return (*folders(plan, workload), *shared, plan.model)


def _python(folders: tuple[str, ...], workload: Workload) -> dict[str, list[list[str]]]:
    run = ["uv", "run", "--frozen"]
    measured = workload.parts or folders
    tests = [posixpath.join(each, "tests") for each in folders]
    report = posixpath.join(folders[0], "coverage/coverage.xml")
    return {
        "lint": [
            [*run, "ruff", "format", "--check", *(each or "." for each in folders)],
            [*run, "ruff", "check", *(each or "." for each in folders)],
        ],
        "test": [
            [
                *(*run, "pytest", "-q", *tests, *(f"--cov={each}" for each in measured)),
                *(f"--cov-report=xml:{report}", "--cov-report=term"),
            ]
        ],
    }


def _commands(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    own, language = folders(plan, workload), language_of(workload)
    if language.name == "python":
        return {"folder": ".", **_python(own, workload)}
    lint, test = ([list(each) for each in argvs] for argvs in (language.lint, language.test))
    return {"folder": own[0] or ".", "lint": lint, "test": test}


def _build(plan: ClusterPlan, workload: Workload) -> list[str]:
    """Say how its image is built: arguments of `docker build`, the folder at the end."""
    if not workload.parts:
        return [folders(plan, workload)[0] or "."]
    given = {"SERVICE": workload.parts, "EXTRAS": workload.extras}
    told = [part for n, v in given.items() if v for part in ("--build-arg", f"{n}={' '.join(v)}")]
    return ["--file", "containers/Dockerfile", *told, "."]


def beside(plan: ClusterPlan, workload: Workload) -> dict[str, str]:
    """Find the servers that a service's tests may use: a short name -> its image."""
    bound = {e.target for e in plan.allowed if e.source == workload.name and e.target != e.source}
    return {_short(e.image): e.image for e in plan.stores if e.name in bound}


def _short(image: str) -> str:
    return posixpath.basename(image.partition("@")[0].rpartition(":")[0] or image)


def servers(plan: ClusterPlan) -> Iterator[tuple[str, Workload]]:
    """Yield every server that tests of the system may use, each image once, by its short name."""
    seen = set[str]()
    for each in plan.stores:
        if (name := _short(each.image)) not in seen:
            seen.add(name)
            yield name, each


def server(workload: Workload) -> dict[str, Any]:
    """Say how a server is run beside tests: as its image does by itself, all passwords `test`."""
    env = {
        name: "test" if is_secret(setting.value) else "".join(map(str, setting.value))
        for name, setting in workload.env.items()
    }
    ports = [f"{number}:{number}" for number in workload.ports.values()]
    found: dict[str, Any] = {**({"env": env} if env else {}), "ports": ports}
    ready = workload.ready
    if isinstance(ready, CommandProbe) and not any(is_secret(text(each)) for each in ready.argv):
        asked = " ".join(map(str, ready.argv))
        found["options"] = f'--health-cmd "{asked}" --health-interval 2s --health-retries 30'
    return found


@dataclass(frozen=True)
class Stage:
    """An environment that the pipeline delivers into."""

    name: str
    settings: Environment
    #: `bump`: what was built is written into the GitOps repository; `promote`: what the one before
    #: runs; `release`: a version's tag is put on the images, and an updater writes; `helm`: the
    #: pipeline itself deploys.
    by: Literal["bump", "promote", "release", "helm"]
    #: The one that is delivered into before.
    after: str = ""

    @property
    def path(self) -> str:
        """Where its files are in the GitOps repository."""
        gitops = self.settings.gitops
        return (gitops.path if gitops else None) or f"environments/{self.name}"


def stages(plan: ClusterPlan) -> tuple[Stage, ...]:
    """Say where a change goes, in the model's order; nobody else than one writes to each.

    An environment with an image updater by the newest build is that one's to write. One without a
    registry is on somebody's machine.
    """
    found: list[Stage] = []
    for name, each in plan.environments.items():
        if each.target != "cluster" or each.registry is None:
            continue
        if each.gitops is None or plan.delivery is None or plan.delivery.gitops is None:
            found.append(Stage(name, each, "helm"))
        elif each.gitops.updater == "semver":
            found.append(Stage(name, each, "release"))
        elif each.gitops.updater is None:
            before = next((e.name for e in reversed(found) if e.by in {"bump", "promote"}), "")
            found.append(Stage(name, each, "promote" if before else "bump", before))
    return tuple(found)


def asks_checklist(plan: ClusterPlan) -> bool:
    """Tell whether an environment is delivered into only while every box passes."""
    return any(each.settings.checklist for each in stages(plan))


def ready(plan: ClusterPlan) -> str:
    """Write the command that ends a deployment while a box is open."""
    return f"{' '.join(TARMAC)} verify {command(plan)} --ready --junit {PROVEN}"


def registry(plan: ClusterPlan) -> str:
    """Name the registry that is pushed to: that of the first environment in a cluster with one."""
    known = (e.registry for e in plan.environments.values() if e.target == "cluster" and e.registry)
    return next(known, plan.system)


def role(plan: ClusterPlan, of: str, does: str) -> str:
    """Name the role by which the pipeline may push to or deploy into what a registry belongs to."""
    found = ECR.match(of)
    return f"arn:aws:iam::{found['account']}:role/{plan.system}-{does}" if found else ""


def command(plan: ClusterPlan) -> str:
    """Name the system as a reader of the repository does on the command line."""
    above = posixpath.dirname(plan.model)
    if posixpath.basename(posixpath.dirname(above)) == "systems":
        return posixpath.basename(above)
    return plan.model if posixpath.basename(plan.model) != "tarmac.yaml" else plan.system


def coverage(plan: ClusterPlan, workload: Workload) -> str:
    """Name the folder of a service's coverage."""
    return posixpath.join(folders(plan, workload)[0], "coverage")


def data(plan: ClusterPlan) -> dict[str, Any]:
    """Write the pipeline's data: what the scripts and the matrix read."""
    delivery = plan.delivery
    names = [name for name, _ in servers(plan)]
    services = {}
    for each in plan.services:
        images = beside(plan, each)
        services[each.name] = {
            "paths": list(paths(plan, each)),
            "language": language_of(each).name,
            **_commands(plan, each),
            "build": _build(plan, each),
            "coverage": coverage(plan, each),
            # An image that is empty is not started.
            "matrix": {
                "language": language_of(each).name,
                "coverage": coverage(plan, each),
                **{name: images.get(name, "") for name in names},
            },
        }
    return {
        "system": plan.system,
        "command": command(plan),
        "model": plan.model,
        "repository": delivery.repository if delivery else "",
        "branch": delivery.branch if delivery else "main",
        "tarmac": list(TARMAC),
        "environments": {
            e.name: {"path": e.path} for e in stages(plan) if e.by in {"bump", "promote"}
        },
        "services": services,
    }


def as_json(content: Any) -> str:
    """Write data for a file that is JSON."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def owners(plan: ClusterPlan) -> tuple[str, ...]:
    """List who reviews: as the model says, or the system's owner."""
    delivery = plan.delivery
    return (delivery.owners if delivery else ()) or (f"@{plan.owner}",)
