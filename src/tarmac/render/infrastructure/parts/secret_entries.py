"""The variable `entries`: what is written to Secrets Manager, for External Secrets to read."""

from __future__ import annotations

from tarmac.base.launch import StoreSecret
from tarmac.plan.cluster import ClusterPlan, secrets_of
from tarmac.render.infrastructure.parts import hcl


def kept(plan: ClusterPlan) -> dict[str, hcl.Value]:
    """Write which entries of Secrets Manager are to be filled, for External Secrets."""
    made = {store.name for store in plan.managed if store.made}
    asked = {s for w in plan.with_setups for s in secrets_of(w)}
    owned = {secret.path: secret.owner for secret in asked}
    under = f"{plan.system}/{plan.environment}"
    return {
        "under": under,
        "number": plan.settings.infrastructure.passwords if plan.settings.infrastructure else 1,
        "generated": [
            f"{under}/{path}"
            for path, owner in sorted(owned.items())
            if isinstance(owner, StoreSecret) and owner.store in made
        ],
    }
