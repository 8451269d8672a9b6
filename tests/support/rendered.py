"""The five systems rendered in memory, for tests that read plans and artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import Artifact
from tarmac.catalog import stores
from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

ROOT = Path(__file__).parents[2]
KINDS = registry.load(stores, "STORE")
RENDERERS = registry.load(render, "RENDERER")

#: Every environment of every system that ships.
ENVIRONMENTS = (
    ("hello-dd", "kind"),
    ("hello-dd", "production"),
    ("shop", "dr"),
    ("shop", "kind"),
    ("shop", "production"),
    ("shop", "staging"),
    ("starter", "kind"),
    ("starter", "production"),
    ("trading", "kind"),
    ("trading", "production"),
    ("travel", "dev"),
    ("travel", "dr"),
    ("travel", "prod"),
    ("travel", "stg"),
)

#: One environment of each system, chosen so that everything occurs that is rendered: stores in the
#: cluster and in AWS, an Ingress and a Gateway, Helm and plain objects, quotas, canaries. What is
#: asked of each object is asked of these; the gates and an API server judge all environments.
TYPICAL = (
    ("hello-dd", "kind"),
    ("shop", "production"),
    ("starter", "kind"),
    ("trading", "production"),
    ("travel", "prod"),
)


@cache
def system_of(name: str) -> System:
    """Load one of the systems."""
    return load(f"systems/{name}/tarmac.yaml", lambda path: (ROOT / path).read_bytes())


@cache
def seeds_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each store of a system's folder that has a seed, with the seed's file."""
    model = yaml.safe_load((folder / "tarmac.yaml").read_text())
    for store, said in model["stores"].items():
        if isinstance(said, dict) and "seed" in said:
            yield store, said["seed"]


def plan_of(name: str, environment: str) -> ClusterPlan:
    """Plan one of the systems for one of its environments."""
    return deploy(system_of(name), environment, KINDS)


@cache
def artifacts_of(name: str, environment: str) -> tuple[Artifact, ...]:
    """Render one of the systems."""
    return artifacts(plan_of(name, environment), RENDERERS)


@cache
def watched_plan_of(name: str) -> ClusterPlan:
    """Plan a system's environment `kind`, whose stores are all in the cluster, with Prometheus.

    On the broker that a laptop has: that of other environments is watched there.
    """
    path = f"systems/{name}/tarmac.yaml"
    model = yaml.safe_load((ROOT / path).read_bytes())
    model["environments"]["kind"]["observability"] = {}
    model["environments"]["kind"].pop("broker", None)
    own = {path: yaml.safe_dump(model, sort_keys=False).encode()}
    system = load(path, lambda asked: own.get(asked) or (ROOT / asked).read_bytes())
    return deploy(system, "kind", KINDS)


@cache
def watched_artifacts_of(name: str) -> tuple[Artifact, ...]:
    """Render that."""
    return artifacts(watched_plan_of(name), RENDERERS)


def artifact_of(name: str, environment: str, path: str) -> Artifact:
    """Find one file. Raises KeyError with what there is."""
    found = {artifact.path: artifact for artifact in artifacts_of(name, environment)}
    if path not in found:
        raise KeyError(f"{path}; there is {sorted(found)}")
    return found[path]
