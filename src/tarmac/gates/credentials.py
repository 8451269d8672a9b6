"""Credentials: each service has a password of its own to each store."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, title
from tarmac.model.edge import place
from tarmac.plan.cluster import secrets_of
from tarmac.report import Finding

#: Secrets of stores are `stores/STORE/USER`, of a managed one `stores/STORE/USER/OUTPUT`.
STORES = "stores"
ADMIN = "admin"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield credentials that two services share, or that are somebody else's."""
    users: dict[tuple[str, str], set[str]] = {}
    for workload in subject.plan.services:
        for secret in secrets_of(workload):
            root, *rest = secret.path.split("/")
            if root != STORES or len(rest) < 2:
                continue
            store, user = rest[:2]
            users.setdefault((store, user), set()).add(workload.name)
            if user == ADMIN:
                where = str(place(subject.system, workload.name, store))
                yield Finding(
                    where,
                    f"{workload.name} is the administrator of {store}; give it a user of its own",
                )
    for (store, user), names in sorted(users.items()):
        if len(names) > 1 and user != ADMIN:
            first, *others = sorted(names - {user}) or sorted(names)
            yield Finding(
                str(place(subject.system, first, store)),
                f"{first} uses the credential of {', '.join([user, *others])} to {store}: neither "
                "can be taken back alone; give each service its own",
            )
    yield from _external(subject)


def _external(subject: Subject) -> Iterator[Finding]:
    """Yield entries of the cloud's store that two services' Secrets are filled from."""
    known = {each.name for each in subject.plan.services}
    taken: dict[tuple[str, str], tuple[str, str]] = {}
    for each in subject.objects("ExternalSecret"):
        owner = dig(each.data, "metadata", "labels", "app.kubernetes.io/name")
        if owner not in known:
            continue
        for entry in dig(each.data, "spec", "data") or ():
            remote = entry.get("remoteRef") or {}
            key = (str(remote.get("key")), str(remote.get("property") or ""))
            if f"{STORES}/" not in key[0]:
                continue  # only those of stores must be one service's own
            first = taken.setdefault(key, (owner, each.path))
            if first[0] != owner:
                yield Finding(
                    each.path,
                    f"{title(each)} is filled from {'/'.join(filter(None, key))}, which is "
                    f"{first[0]}'s ({first[1]}); give {owner} an entry of its own",
                )


GATE = Gate(
    id="SEC003",
    title="Each service has a credential of its own to each store",
    phase="security",
    source="a shared password cannot be changed without an outage, nor taken back from one",
    check=check,
    looks_at="the secrets that each service's variables and files need, and the entries that "
    "ExternalSecrets are filled from. A foreign server's one URL is shared.",
)
