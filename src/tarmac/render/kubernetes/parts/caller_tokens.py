"""Caller tokens in a pod: tokens of its service account for its callees, and a way to the keys.

The kubelet asks for each token, bound to the pod, and replaces its file before it expires. None of
them is one that the API server takes, but the token with which a callee asks for the keys: to its
account nothing is granted.
"""

from __future__ import annotations

from typing import Any

from tarmac.base.cluster_names import CA_CONFIG_MAP, CA_NAME
from tarmac.plan.callers import (
    KEYS_FOLDER,
    KEYS_VOLUME,
    TOKEN_NAME,
    TOKENS_FOLDER,
    TOKENS_VOLUME,
)
from tarmac.plan.cluster import Workload

#: The kubelet replaces a file after 80 % of it. A control plane may be away for the rest, twelve
#: minutes, without a call that fails; what was stolen is of use for an hour at most.
LIFE_S = 3600


def volumes(workload: Workload, *, listens: bool) -> list[dict[str, Any]]:
    """List the volumes of a pod; the keys are for one that listens."""
    found = []
    if workload.caller_tokens:
        tokens = [_token(callee) for callee in workload.caller_tokens]
        found.append(_projected(TOKENS_VOLUME, tokens))
    if workload.caller_keys and listens:
        # Without an audience it is for the API server.
        own = {"serviceAccountToken": {"expirationSeconds": LIFE_S, "path": TOKEN_NAME}}
        authority = {"name": CA_CONFIG_MAP, "items": [{"key": CA_NAME, "path": CA_NAME}]}
        found.append(_projected(KEYS_VOLUME, [own, {"configMap": authority}]))
    return found


def mounts(workload: Workload, *, listens: bool) -> list[dict[str, Any]]:
    """Mount those volumes, where the variables say."""
    folders = {TOKENS_VOLUME: TOKENS_FOLDER, KEYS_VOLUME: KEYS_FOLDER}
    return [
        {"name": volume["name"], "mountPath": folders[volume["name"]], "readOnly": True}
        for volume in volumes(workload, listens=listens)
    ]


def _token(callee: str) -> dict[str, Any]:
    source = {"audience": callee, "expirationSeconds": LIFE_S, "path": callee}
    return {"serviceAccountToken": source}


def _projected(name: str, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "projected": {"defaultMode": 0o440, "sources": sources}}
