"""What `tarmac deploy` puts into the cluster of an environment, or onto its machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign.data import from_yaml
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import in_memory
from tarmac.render.in_memory import RenderedTree
from tarmac.render.packaging.dockerfile import CONTAINERS
from tarmac.run.cluster.deployment import SECRETS
from tarmac.run.cluster.release import Release
from tarmac.run.compose import release as composed

#: What runs environments, by their `target`.
_NAMES = {"cluster": "cluster", "compose": "machine with Docker Compose"}


def release_of(made: RenderedTree) -> Release:
    """Choose the rendered objects of an environment that `tarmac deploy` puts into its cluster.

    Raises:
        BadInput: the environment has no cluster, or Argo CD follows it.
    """
    settings, where = made.plan.settings, made.source.model
    check_target(made.plan, "cluster")
    if settings.gitops is not None:
        what = f"environment {made.plan.environment} is followed by Argo CD, which would undo this"
        raise BadInput([Problem(where, f"{what}; commit its rendered files instead")])
    texts = in_memory.texts(made)
    objects = [
        document
        for artifacts in made.artifacts.values()
        for artifact in artifacts
        if artifact.is_object and artifact.path.startswith("k8s/")
        for document in from_yaml(texts[artifact.path])
    ]
    found = made.plan
    return Release(
        found.system, found.environment, found.namespace, tuple(objects), texts.get(SECRETS, "")
    )


@dataclass(frozen=True)
class ComposedFiles:
    """The rendered files of an environment for one machine, as far as a deployment needs them."""

    release: composed.Release
    #: The script that generates the secrets.
    secrets: str
    #: What images are built by, by name.
    containers: Mapping[str, str]


def composed_of(made: RenderedTree) -> ComposedFiles:
    """Choose the rendered files that `tarmac deploy` gives to Docker Compose.

    Raises:
        BadInput: the environment is not for Docker Compose.
    """
    check_target(made.plan, "compose")
    texts, plan = in_memory.texts(made), made.plan
    files = {name: texts[f"compose/{name}"] for name in (composed.BASE, composed.PRODUCTION)}
    release = composed.Release(plan.system, plan.environment, plan.namespace, files)
    below = f"{CONTAINERS}/"
    containers = {
        path.removeprefix(below): text for path, text in texts.items() if path.startswith(below)
    }
    return ComposedFiles(release, texts["compose/secrets.sh"], containers)


def check_target(plan: ClusterPlan, target: str) -> None:
    """Refuse an environment that something else runs. Raises BadInput."""
    if plan.settings.target != target:
        what = f"environment {plan.environment} has no {_NAMES[target]}"
        other = f"(target: {plan.settings.target}); name another environment"
        raise BadInput([Problem(plan.model, f"{what} {other}")])
