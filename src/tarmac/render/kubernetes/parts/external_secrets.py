"""ExternalSecrets: how a Secret is filled, of texts whose parts an outside store has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tarmac.base.launch import Secret, Text
from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import vault_access
from tarmac.render.kubernetes.parts.secret_script import key_of

API = "external-secrets.io/v1"
#: How often an entry without a lease is read.
EVERY = "1h"
EVERY_S = 3600.0
#: Of the time that a value is used, the part in which each reader looks once.
PART_OF_ROTATION = 24
#: Says of an ExternalSecret how long a value of each variable is used.
ROTATE = "tarmac.dev/rotate"
#: What the template language would read: an opening, or a brace that becomes one with what follows.
BRACES = re.compile(r"\{\{+|\{$")


def _template(value: Text) -> str:
    """Write a text in External Secrets' template language, each secret by its name there."""
    return "".join(
        f'{{{{ index . "{key_of(part)}" }}}}'
        if isinstance(part, Secret)
        else BRACES.sub(lambda found: f'{{{{ "{found[0]}" }}}}', part)
        for part in value
    )


def has_store(plan: ClusterPlan, workload: Workload) -> bool:
    """Tell whether it reads as itself: without a role in the cloud the cluster's operator does."""
    return plan.settings.secrets == "vault" or workload.name in plan.roles


def kept(plan: ClusterPlan, held: Mapping[str, Text]) -> list[dict[str, Any]]:
    """List from where the parts of texts come, those that are kept."""
    parts = {part.path: part for text in held.values() for part in text if isinstance(part, Secret)}
    value = {"property": "value"} if plan.settings.secrets == "vault" else {}
    return [
        {
            "secretKey": key_of(part),
            "remoteRef": {"key": vault_access.kept(plan, path), **value},
        }
        for path, part in sorted(parts.items())
        if not part.is_leased
    ]


def every(workload: Workload) -> str:
    """Say how often a workload's entries are read: often enough for what is rotated most often."""
    shortest = min(workload.rotations.values(), default=EVERY_S * PART_OF_ROTATION)
    return (
        EVERY if shortest >= EVERY_S * PART_OF_ROTATION else duration(shortest / PART_OF_ROTATION)
    )


def rotations(workload: Workload) -> dict[str, str]:
    """Write how long values are used, as an annotation; nothing where none is rotated."""
    said = (f"{name}={duration(period)}" for name, period in sorted(workload.rotations.items()))
    return {ROTATE: ", ".join(said)} if workload.rotations else {}


def spec(
    plan: ClusterPlan, workload: Workload, name: str, held: Mapping[str, Text], every: str
) -> dict[str, Any]:
    """Write how one Secret is filled, and how often."""
    own = has_store(plan, workload)
    reference = {
        "name": workload.name if own else f"{plan.system}-{plan.environment}-secrets",
        "kind": "SecretStore" if own else "ClusterSecretStore",
    }
    parts = kept(plan, held)
    made: dict[str, Any] = {
        "engineVersion": "v2",
        "data": {key: _template(value) for key, value in sorted(held.items())},
    }
    return {
        "refreshInterval": every,
        **({"secretStoreRef": reference} if parts else {}),
        "target": {"name": name, "creationPolicy": "Owner", "template": made},
        **({"data": parts} if parts else {}),
    }
