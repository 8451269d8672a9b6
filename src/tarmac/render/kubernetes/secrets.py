"""Secrets: from the cloud's store or Vault by External Secrets, or generated once by a script."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.base.launch import Secret, Text
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import configs, external_secrets, vault_access
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.secret_script import is_written, script
from tarmac.render.renderer import Renderer

TEMPLATE_NOTES = (
    "Each value is put into its text as it is. Have passwords be hexadecimal, so that they need no",
    "escaping in a URL: `openssl rand -hex 24`.",
)


def _store(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make the way to what keeps secrets, by the workload's own account: it reads nothing else."""
    if plan.settings.secrets == "vault":
        vault = {"path": vault_access.KEPT, "version": "v2"}
        provider = {"vault": {**vault, **vault_access.provider(plan, workload.name)}}
    else:
        reader = {"auth": {"jwt": {"serviceAccountRef": {"name": workload.name}}}}
        aws = {"service": "SecretsManager", "region": plan.settings.region, **reader}
        provider = {"aws": aws}
    body = {"spec": {"provider": provider}}
    return an_object(plan, external_secrets.API, "SecretStore", workload.name, body, of=workload)


def _external(plan: ClusterPlan, workload: Workload, held: dict[str, Text]) -> Artifact:
    name = configs.secret_name(workload.name)
    every = external_secrets.every(workload)
    body = {"spec": external_secrets.spec(plan, workload, name, held, every)}
    parts = {part for text in held.values() for part in text if isinstance(part, Secret)}
    notes = () if all(is_written(plan, part) for part in parts) else TEMPLATE_NOTES
    if not external_secrets.has_store(plan, workload):
        notes = (*notes, "The ClusterSecretStore is the cluster's own: its operator creates it.")
    return an_object(
        plan,
        external_secrets.API,
        "ExternalSecret",
        name,
        body,
        of=workload,
        annotations=external_secrets.rotations(workload),
        notes=notes,
    )


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield what fills each workload's Secrets."""
    held = {w.name: texts for w in plan.with_setups if (texts := configs.secrets_in(w))}
    leased = {w.name: texts for w in plan.workloads if (texts := configs.leased_in(w))}
    if held and plan.settings.secrets == "script":
        yield script(plan, held)
        held = {}
    for workload in plan.with_setups:
        name = workload.name
        kept = {**held.get(name, {}), **leased.get(name, {})}
        if external_secrets.has_store(plan, workload) and external_secrets.kept(plan, kept):
            yield _store(plan, workload)
        if name in held:
            yield _external(plan, workload, held[name])


RENDERER = Renderer(
    id="k8s-secrets",
    phase="security",
    title="ExternalSecrets of each workload, or a script that makes its Secret up once",
    render=render,
)
