"""Credentials: each service has a password of its own to each store."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.launch import StoreSecret
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import NAME, metadata, title
from tarmac.check.gates.views.objects.stored_data import ExternalSecret
from tarmac.check.gates.views.scope import counted
from tarmac.plan.cluster import secrets_of

#: Where the entries of stores are in the cloud's own store of secrets.
STORES = "stores"
ADMIN = "admin"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield credentials that two services share, or that belong to another one."""
    users: dict[tuple[str, str], set[str]] = {}
    for workload in subject.plan.services:
        for secret in secrets_of(workload):
            if not isinstance(secret.owner, StoreSecret):
                continue
            store, user = secret.owner.store, secret.owner.user
            users.setdefault((store, user), set()).add(workload.name)
            if user == ADMIN:
                where = str(subject.system.place(workload.name, store))
                yield Finding(
                    where,
                    f"{workload.name} is the administrator of {store}; give it a user of its own",
                )
    for (store, user), names in sorted(users.items()):
        if len(names) > 1 and user != ADMIN:
            first, *others = sorted(names - {user}) or sorted(names)
            yield Finding(
                str(subject.system.place(first, store)),
                f"{first} uses the credential of {', '.join([user, *others])} to {store}: neither "
                "can be revoked alone; give each service its own",
            )
    yield from _external(subject)


def _external(subject: Subject) -> Iterator[Finding]:
    """Yield entries of the cloud's store that two services' Secrets are filled from."""
    known = {service.name for service in subject.plan.services}
    taken: dict[tuple[str, str], tuple[str, str]] = {}
    for artifact in subject.objects("ExternalSecret"):
        owner = metadata(artifact).labels.get(NAME)
        if owner not in known:
            continue
        for entry in ExternalSecret(artifact).entries:
            key = (entry.remote_key, entry.remote_property)
            if f"{STORES}/" not in key[0]:
                continue  # only those of stores must be one service's own
            first = taken.setdefault(key, (owner, artifact.path))
            if first[0] != owner:
                yield Finding(
                    artifact.path,
                    f"{title(artifact)} is filled from {'/'.join(filter(None, key))}, which is "
                    f"{first[0]}'s ({first[1]}); give {owner} an entry of its own",
                )


def _credentials(subject: Subject) -> set[tuple[str, str]]:
    """List which service uses which credential of a store."""
    return {
        (workload.name, secret.path)
        for workload in subject.plan.services
        for secret in secrets_of(workload)
        if isinstance(secret.owner, StoreSecret)
    }


GATE = Gate(
    id="SEC003",
    title="Each service has its own credential for each store",
    phase="security",
    source="a shared password cannot be rotated without an outage, nor revoked for one",
    check=check,
    scope=counted("credentials of stores", _credentials),
    reads="the secrets that each service's variables and files need, and the entries that "
    "ExternalSecrets are filled from. A foreign server's one URL is shared.",
)
