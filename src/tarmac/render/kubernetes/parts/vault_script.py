"""`vault/configure.sh`: tells Vault what it keeps, where databases are, and its policies."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.launch import Secret, StoreSecret
from tarmac.catalog.stores.made_servers import server_host
from tarmac.model.vault import NAMESPACE
from tarmac.plan.cluster import ClusterPlan, Workload, secrets_of
from tarmac.render.assets import asset
from tarmac.render.kubernetes.parts import configs, vault_access
from tarmac.render.kubernetes.parts.secret_script import is_elsewhere

NOTES = (
    "Usage: vault/configure.sh [FOLDER], as an administrator of Vault; repeatable.",
    "Says to Vault what the files beside this say; a file of FOLDER is what it cannot make up.",
)

#: Vault's own placeholders of an administrator.
USER = "{{username}}:{{password}}"


def _kept(plan: ClusterPlan) -> Iterator[str]:
    """Say which secrets Vault keeps: generated, or given by a person."""
    secrets = {s.path: s for workload in plan.workloads for s in secrets_of(workload)}
    for path, secret in sorted(secrets.items()):
        size = 0 if is_elsewhere(plan, secret) else secret.size_bytes
        yield f"part {path} {size}{f' {secret.form}' if secret.form != 'hex' else ''}"


def _servers(plan: ClusterPlan) -> Iterator[str]:
    """Say how Vault reaches each store whose users it makes."""
    first = {lease.store: lease for lease in reversed(plan.leases)}
    made_here = {setup.name: setup for setup in plan.setups}
    managed = {store.name: store for store in plan.managed}
    for store, lease in sorted(first.items()):
        made = lease.made
        if setup := made_here.get(store):
            server, port = managed[store].server, managed[store].port
            url = f"{made.scheme}://{USER}@SERVER:{port}{made.path}"
            keys = (_key(setup, secret) for secret in (managed[store].admin, server_host(server)))
            yield shlex.join(("server", store, made.plugin, url, made.admin, *keys))
            continue
        if not lease.server:
            yield f"server_elsewhere {store} {made.plugin}"
            continue
        url = f"{made.scheme}://{USER}@{lease.server}{made.path}"
        key = _key(plan.workload(store), Secret.of(StoreSecret(store, "admin")))
        yield shlex.join(("server", store, made.plugin, url, made.admin, key))


def _key(workload: Workload, secret: Secret | None) -> str:
    """Find the key of a secret in a workload's Secret."""
    return next(k for k, held in configs.secrets_in(workload).items() if held == (secret,))


def configure(plan: ClusterPlan) -> Artifact:
    """Write the script."""
    keeps = plan.settings.secrets == "vault"
    given = {
        "@OWN@": vault_access.own(plan),
        "@KEPT@": vault_access.kept(plan, "").rstrip("/"),
        "@NAMESPACE@": plan.namespace,
        "@FROM_VAULT@": "yes" if keeps else "no",
    }
    begin = asset("vault/configure.sh")
    for placeholder, value in given.items():
        begin = begin.replace(placeholder, value)
    lines = [f"enable auth {vault_access.LOGIN} kubernetes"]
    if vault_access.is_installed(plan):
        lines += [
            "vault write auth/kubernetes/config kubernetes_host=https://kubernetes.default.svc",
            f"authority {NAMESPACE} {vault_access.AUTHORITY}",
        ]
    if keeps:
        lines += [f"enable secrets {vault_access.KEPT} kv-v2", *_kept(plan)]
    if plan.leases:
        lines += ["enable secrets database database", *_servers(plan)]
    lines += [
        "all sys/policies/acl policy policies .hcl",
        "all auth/kubernetes/role account accounts .json",
        *(["all database/roles user users .json"] if plan.leases else []),
        "exit $((missing))",
    ]
    content = begin + "\n".join(lines) + "\n"
    return Artifact("vault/configure.sh", content, plan.model, NOTES, executable=True)
