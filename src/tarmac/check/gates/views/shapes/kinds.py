"""Which kind an object is of: groups of others have kinds of the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Kinds of the group that has no name.
CORE = frozenset({
    "ConfigMap", "Endpoints", "Namespace", "Node", "Pod", "Secret", "Service", "ServiceAccount",
})  # fmt: skip


def own_kind(data: Mapping[str, Any]) -> str:
    """Read the kind of an object; `Service.serving.knative.dev` where the core has its name."""
    kind, group = str(data.get("kind")), str(data.get("apiVersion")).rpartition("/")[0]
    return f"{kind}.{group}" if group and kind in CORE else kind
