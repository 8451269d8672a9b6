"""What `tarmac deploy` puts into the cluster of an environment."""

from __future__ import annotations

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign.data import from_yaml
from tarmac.render import in_memory
from tarmac.render.in_memory import RenderedTree
from tarmac.run.cluster.deployment import SECRETS
from tarmac.run.cluster.release import Release


def release_of(made: RenderedTree) -> Release:
    """Choose the rendered objects of an environment that `tarmac deploy` puts into its cluster.

    Raises:
        BadInput: the environment has no cluster, or Argo CD follows it.
    """
    settings, where = made.plan.settings, made.source.model
    if settings.target != "cluster":
        what = f"environment {made.plan.environment} has no cluster (target: {settings.target})"
        raise BadInput([Problem(where, f"{what}; name another environment")])
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
