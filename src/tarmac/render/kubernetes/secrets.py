"""Secrets: from the cloud's store by External Secrets, or generated once by a script."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.launch import Secret, Text
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import configs
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.secret_script import key_of, script
from tarmac.render.renderer import Renderer

API = "external-secrets.io/v1"
#: What the template language would read: an opening, or a brace that becomes one with what follows.
BRACES = re.compile(r"\{\{+|\{$")
TEMPLATE_NOTES = (
    "Each value is put into its text as it is. Have passwords be hexadecimal, so that they need no",
    "escaping in a URL: `openssl rand -hex 24`.",
)


def _store(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make the way to the cloud's store, by the workload's own role: it reads nothing else."""
    reader = {"auth": {"jwt": {"serviceAccountRef": {"name": workload.name}}}}
    aws = {"service": "SecretsManager", "region": plan.settings.region, **reader}
    body = {"spec": {"provider": {"aws": aws}}}
    return an_object(plan, API, "SecretStore", workload.name, body, of=workload)


def _template(value: Text) -> str:
    """Write a text in External Secrets' template language, each secret by its name there."""
    return "".join(
        f'{{{{ index . "{key_of(part)}" }}}}'
        if isinstance(part, Secret)
        else BRACES.sub(lambda found: f'{{{{ "{found[0]}" }}}}', part)
        for part in value
    )


def _external(plan: ClusterPlan, workload: Workload, held: dict[str, Text]) -> Artifact:
    parts = {part.path: part for text in held.values() for part in text if isinstance(part, Secret)}
    own = workload.name in plan.roles
    reference = {
        "name": workload.name if own else f"{plan.system}-{plan.environment}-secrets",
        "kind": "SecretStore" if own else "ClusterSecretStore",
    }
    made: dict[str, Any] = {
        "engineVersion": "v2",
        "data": {key: _template(value) for key, value in sorted(held.items())},
    }
    spec = {
        "refreshInterval": "1h",
        "secretStoreRef": reference,
        "target": {
            "name": configs.secret_name(workload.name),
            "creationPolicy": "Owner",
            "template": made,
        },
        "data": [
            {
                "secretKey": key_of(part),
                "remoteRef": {"key": f"{plan.system}/{plan.environment}/{path}"},
            }
            for path, part in sorted(parts.items())
        ],
    }
    notes: tuple[str, ...] = TEMPLATE_NOTES
    if not own:
        notes = (*notes, "The ClusterSecretStore is the cluster's own: its operator creates it.")
    name, body = configs.secret_name(workload.name), {"spec": spec}
    return an_object(plan, API, "ExternalSecret", name, body, of=workload, notes=notes)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield what fills each workload's Secret."""
    held = {w.name: configs.secrets_in(w) for w in plan.workloads}
    if not any(held.values()):
        return
    if plan.settings.secrets == "script":
        yield script(plan, {name: texts for name, texts in held.items() if texts})
        return
    for workload in plan.workloads:
        if texts := held[workload.name]:
            if workload.name in plan.roles:
                yield _store(plan, workload)
            yield _external(plan, workload, texts)


RENDERER = Renderer(
    id="k8s-secrets",
    phase="security",
    title="ExternalSecrets of each workload, or a script that makes its Secret up once",
    render=render,
)
