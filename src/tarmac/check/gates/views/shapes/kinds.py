"""Which kind an object is of: groups of others have kinds of the same names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
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
    return _own_kind(str(data.get("kind")), str(data.get("apiVersion")))


@lru_cache(maxsize=1024)  # of thousands of objects nearly all are of a few kinds
def _own_kind(kind: str, api: str) -> str:
    group = api.rpartition("/")[0]
    is_of_others = kind in CORE or (kind in HOMES and group not in HOMES[kind])
    return f"{kind}.{group}" if group and is_of_others else kind
