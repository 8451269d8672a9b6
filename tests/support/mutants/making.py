"""All mutants of a file, by every operator, and a sample of them by their class."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mutants import operators
from mutants.mutant import Mutant
from tarmac.base.artifact import Artifact

OPERATORS: dict[str, Callable[[Artifact], Iterator[Mutant]]] = {
    module.name: importlib.import_module(f"mutants.operators.{module.name}").mutate
    for module in pkgutil.iter_modules(operators.__path__)
}
#: What a file is, by a part of its path, where it is no Kubernetes object.
BY_PATH = {
    "/workflows/": "workflow", ".gitlab-ci.yml": "GitLab pipeline", "alertmanager": "Alertmanager",
    ".gitignore": "ignore file", ".dockerignore": "ignore file",
    "compose.yaml": "Compose file", "Dockerfile": "Dockerfile", "dashboards/": "dashboard",
    "values": "values of a chart", "/chart": "values of a chart",
    "ci/services.json": "pipeline data", "rulesets/": "ruleset", "rules/": "rules",
    "rules": "rules", ".tftest.hcl": "test of Terraform", ".tf": "Terraform", ".sql": "SQL",
    ".sh": "script", ".rego": "Rego",
}  # fmt: skip
#: Values and templates of charts are judged by what they give, and tests of Terraform are not
#: applied; the rest has no reader here.
LEFT_OUT = {"values of a chart", "test of Terraform", "other"}
#: Keys below these are an owner's own: they are one place.
_FREE = {"data", "stringData", "binaryData", "annotations"}


@dataclass(frozen=True, order=True)
class MutantClass:
    """Mutants that are alike: of one kind of file, at one place, by one operator."""

    kind: str
    place: str
    operator: str

    def __str__(self) -> str:
        return f"{self.kind} {self.place} {self.operator}"


def kind_of(artifact: Artifact) -> str:
    """Say what a file is."""
    if artifact.is_object:
        return str(artifact.data.get("kind"))
    named = (kind for part, kind in BY_PATH.items() if part in f"/{artifact.path}")
    return next(named, "rules" if "groups" in artifact.data else "other")


def class_of(artifact: Artifact, mutant: Mutant) -> MutantClass:
    """Say which others a mutant is like."""
    keys = mutant.place.split(".")
    end = next((number for number, key in enumerate(keys) if key in _FREE), len(keys))
    place = ".".join([*keys[: end + 1], "*"] if end < len(keys) - 1 else keys)
    return MutantClass(kind_of(artifact), place, mutant.operator)


def mutants_of(artifact: Artifact) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    for mutate in OPERATORS.values():
        yield from mutate(artifact)


def is_mutated(artifact: Artifact) -> bool:
    """Tell whether a file is of a kind that is mutated."""
    return kind_of(artifact) not in LEFT_OUT
