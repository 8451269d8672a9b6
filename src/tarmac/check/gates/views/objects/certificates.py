"""Certificates: where an ingress reads them, and what issues them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, text
from tarmac.check.gates.views.objects.metadata import kind_of, space_of

#: What reads certificates from Secrets, which others make mostly.
ENTRIES = ("Ingress", "Gateway", "IngressRoute", "IngressRouteTCP")


def is_of_entry(kind: str, artifact: Artifact) -> bool:
    """Tell whether an object of a kind that another one names is the certificate of an entry."""
    return kind == "Secret" and kind_of(artifact) in ENTRIES


class Certificate:
    """A Certificate of cert-manager."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def secret(self) -> str | None:
        """The Secret that it is written to."""
        return text(self.artifact.data, "spec", "secretName")

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that it is for."""
        return frozenset(items(self.artifact.data, "spec", "dnsNames"))


def covers(names: Collection[str], host: str) -> bool:
    """Tell whether a certificate for some names is one for a host."""
    return host in names or f"*.{host.partition('.')[2]}" in names


class TlsSecret(NamedTuple):
    """A Secret that an Ingress or Gateway reads a certificate from, and for which hosts."""

    name: str
    hosts: frozenset[str]
    #: Empty where the controller decides: Istio's gateway reads those of an Ingress beside itself.
    namespace: str = ""


def tls_secrets(artifact: Artifact) -> Iterator[TlsSecret]:
    """Yield each Secret that an Ingress or Gateway reads."""
    for tls in items(artifact.data, "spec", "tls"):
        if secret := text(tls, "secretName"):
            yield TlsSecret(secret, frozenset(items(tls, "hosts")))
    for listener in items(artifact.data, "spec", "listeners"):
        hosts = frozenset(filter(None, (text(listener, "hostname"),)))
        for reference in items(listener, "tls", "certificateRefs"):
            space = text(reference, "namespace") or space_of(artifact)
            yield TlsSecret(str(text(reference, "name")), hosts, space)
