"""The shell of a store that was deployed, in a cluster or on one machine."""

from __future__ import annotations

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import StoreKind
from tarmac.plan.access import shell_call
from tarmac.plan.cluster import ClusterPlan
from tarmac.run.system import StoreAccess


def store_access(
    plan: ClusterPlan, store: str, url: str, *, is_forwarded: bool = False
) -> StoreAccess:
    """Say how a store is opened by a URL: by its kind's own shell, where it has one."""
    known: dict[str, StoreKind] = registry.load(stores, "STORE")
    kind = known[plan.asked[store].kind] if store in plan.asked else None
    call = shell_call(kind.shell if kind else None, url)
    shell = (call["programs"], call.get("arguments", ()), call.get("env", {}))
    return StoreAccess(kind.title if kind else store, url, *shell, is_forwarded=is_forwarded)
