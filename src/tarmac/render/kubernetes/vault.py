"""Vault: its installation, its policies and accounts, and the users of databases that it makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.base.written import duration
from tarmac.model.vault import NAMESPACE
from tarmac.plan.cluster import ClusterPlan, Workload, secrets_of
from tarmac.plan.leases import PlannedLease
from tarmac.render import texts
from tarmac.render.assets import asset
from tarmac.render.kubernetes.parts import vault_access, vault_script
from tarmac.render.renderer import Renderer

#: How long a login is good for where no user hangs on it: one that does ends with it.
LOGIN_S = 600.0


def _policy(plan: ClusterPlan, workload: Workload) -> str:
    """Let a workload read what it needs, each by its whole path."""
    paths = []
    if plan.settings.secrets == "vault":
        held = sorted({secret.path for secret in secrets_of(workload)})
        paths = [f"{vault_access.KEPT}/data/{vault_access.kept(plan, path)}" for path in held]
    leased = (lease for lease in plan.leases if lease.service == workload.name)
    paths += [f"database/creds/{vault_access.user_role(plan, lease)}" for lease in leased]
    return "\n".join(f'path "{path}" {{\n  capabilities = ["read"]\n}}' for path in paths)


def _account(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Let an account log in. What a login makes ends with it, so it lasts as long as a user."""
    lasts = f"{max(plan.settings.lease_s, LOGIN_S):.0f}s"
    return {
        "bound_service_account_names": [workload.name],
        "bound_service_account_namespaces": [plan.namespace],
        "audience": vault_access.AUDIENCE,
        "token_policies": [vault_access.own(plan, workload.name)],
        "token_ttl": lasts,
        "token_max_ttl": lasts,
    }


def _user(plan: ClusterPlan, lease: PlannedLease) -> dict[str, Any]:
    lives = f"{plan.settings.lease_s:.0f}s"
    return {
        "db_name": vault_access.own(plan, lease.store),
        "creation_statements": list(lease.made.create),
        "revocation_statements": list(lease.made.revoke),
        "default_ttl": lives,
        "max_ttl": lives,
    }


def _readme(plan: ClusterPlan) -> str:
    what = ["It keeps the secrets of all services."] if plan.settings.secrets == "vault" else []
    if plan.leases:
        lives = duration(plan.settings.lease_s)
        what.append(
            f"It makes users of databases: each lives for {lives}, and its service has a new one "
            "long before."
        )
    installed = vault_access.is_installed(plan)
    given = {
        "system": plan.system,
        "environment": plan.environment,
        "namespace": NAMESPACE,
        "version": versions.read().charts["vault"].version,
        "what": " ".join(what),
        "users": ", and makes the users of `users/`" if plan.leases else "",
    }
    install = texts.filled(asset("vault/install.md"), given, "install.md") if installed else ""
    filled: str = texts.filled(asset("vault/README.md"), {**given, "install": install}, "README.md")
    return filled


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield all that Vault is told, where the environment has one."""
    if not plan.settings.uses_vault:
        return
    if vault_access.is_installed(plan):
        given = {"namespace": NAMESPACE}
        yield Artifact("vault/values/vault.yaml", asset("vault/values.yaml"), plan.model)
        tls = texts.filled(asset("vault/tls.yaml"), given, "tls.yaml")
        yield Artifact("vault/tls.yaml", tls, plan.model)
    for workload in plan.workloads:
        if policy := _policy(plan, workload):
            name, place = workload.name, workload.place
            yield Artifact(f"vault/policies/{name}.hcl", policy + "\n", place)
            yield Artifact(f"vault/accounts/{name}.json", _json(_account(plan, workload)), place)
    for lease in plan.leases:
        path = f"vault/users/{lease.service}.{lease.store}.json"
        yield Artifact(path, _json(_user(plan, lease)), plan.workload(lease.service).place)
    yield vault_script.configure(plan)
    yield Artifact("vault/README.md", _readme(plan), plan.model)


RENDERER = Renderer(
    id="vault",
    phase="security",
    title="Vault: its installation, policies, accounts and users of databases",
    render=render,
)
