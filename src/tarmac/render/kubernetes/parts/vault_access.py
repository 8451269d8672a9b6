"""What Vault and those that ask it call the same thing: paths, roles, and how an account logs in.

Names begin with system and environment and a dot, which is in neither: one Vault may serve many.
"""

from __future__ import annotations

from typing import Any

from tarmac.model.vault import Vault
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.leases import PlannedLease

#: Where Vault has what it keeps, and where accounts of the cluster log in.
KEPT, LOGIN = "secret", "kubernetes"
#: The audience of an account's token.
AUDIENCE = "vault"
#: The ConfigMap of the namespace that has the certificate of Vault's authority.
AUTHORITY, AUTHORITY_KEY = "vault-ca", "ca.crt"


def own(plan: ClusterPlan, *names: str) -> str:
    """Name something of this system and environment in Vault."""
    return ".".join((plan.system, plan.environment, *names))


def kept(plan: ClusterPlan, path: str) -> str:
    """Return where Vault, or a cloud's store of secrets, keeps one; both regions' has one name."""
    return f"{plan.system}/{plan.settings.standby_of or plan.environment}/{path}"


def user_role(plan: ClusterPlan, lease: PlannedLease) -> str:
    """Name the role by which Vault makes a service's users of a store."""
    return own(plan, lease.service, lease.store)


def is_installed(plan: ClusterPlan) -> bool:
    """Tell whether Vault is one of the cluster's programs."""
    given = plan.settings.vault
    return plan.settings.uses_vault and (given is None or given.address is None)


def provider(plan: ClusterPlan, account: str) -> dict[str, Any]:
    """Write how External Secrets asks Vault, as an account of the namespace."""
    reader = {"name": account, "audiences": [AUDIENCE]}
    login = {"mountPath": LOGIN, "role": own(plan, account), "serviceAccountRef": reader}
    authority = {"type": "ConfigMap", "name": AUTHORITY, "key": AUTHORITY_KEY}
    return {
        "server": (plan.settings.vault or Vault()).url,
        **({"caProvider": authority} if is_installed(plan) else {}),
        "auth": {"kubernetes": login},
    }
