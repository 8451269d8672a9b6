"""Which kind an object is of: groups of others have kinds of the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Kinds of the group that has no name.
CORE = frozenset({
    "ConfigMap", "Endpoints", "Namespace", "Node", "Pod", "Secret", "Service", "ServiceAccount",
})  # fmt: skip

#: The groups whose kinds rules are about; others have kinds of these names, too.
HOMES = {
    "Application": ("argoproj.io",),
    "Backup": ("velero.io",),
    "Canary": ("flagger.app",),
    "Certificate": ("cert-manager.io",),
    "Restore": ("velero.io",),
    "Schedule": ("velero.io",),
}


def own_kind(data: Mapping[str, Any]) -> str:
    """Read the kind of an object; `Service.serving.knative.dev` where the core has its name."""
    kind, group = str(data.get("kind")), str(data.get("apiVersion")).rpartition("/")[0]
    is_of_others = kind in CORE or (kind in HOMES and group not in HOMES[kind])
    return f"{kind}.{group}" if group and is_of_others else kind
