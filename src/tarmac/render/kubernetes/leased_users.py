"""Users of databases that live for a while: External Secrets has Vault make one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.launch import Text
from tarmac.base.written import duration
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.plan.leases import half, renewed_every
from tarmac.render.kubernetes.parts import configs, external_secrets, vault_access
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.secret_script import key_of
from tarmac.render.renderer import Renderer

#: Flagger would try each new user as a new version, and keep an old one's copy for the stable pods.
UNCOPIED = {"flagger.app/config-tracking": "disabled"}
API, KIND = "generators.external-secrets.io/v1alpha1", "VaultDynamicSecret"


def _of_workload(
    plan: ClusterPlan, workload: Workload, held: dict[str, Text]
) -> Iterator[Artifact]:
    """Yield how users of stores are made, and what writes them into files."""
    generated = []
    for lease in (lease for lease in plan.leases if lease.service == workload.name):
        made = f"{lease.service}-{lease.store}"
        spec: dict[str, Any] = {
            "path": f"database/creds/{vault_access.user_role(plan, lease)}",
            "method": "GET",
            "resultType": "Data",
            "provider": vault_access.provider(plan, workload.name),
        }
        yield an_object(plan, API, KIND, made, {"spec": spec}, of=workload)
        source = {"apiVersion": API, "kind": KIND, "name": made}
        named = {"source": "^(.*)$", "target": key_of(half(lease.store, lease.service, "$1"))}
        generated.append(
            {"sourceRef": {"generatorRef": source}, "rewrite": [{"regexp": named}]},
        )
    name = configs.leased_name(workload.name)
    every = duration(renewed_every(plan.settings.lease_s))
    filled = external_secrets.spec(plan, workload, name, held, every)
    if rollout_controller(plan, workload.name) == "flagger":
        filled["target"]["template"]["metadata"] = {"annotations": UNCOPIED}
    body = {"spec": {**filled, "dataFrom": generated}}
    yield an_object(plan, external_secrets.API, "ExternalSecret", name, body, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield what fills the Secrets whose users change."""
    for workload in plan.workloads:
        if held := configs.leased_in(workload):
            yield from _of_workload(plan, workload, held)


RENDERER = Renderer(
    id="leased-users",
    phase="security",
    title="ExternalSecrets whose users of databases Vault makes for a while",
    render=render,
)
