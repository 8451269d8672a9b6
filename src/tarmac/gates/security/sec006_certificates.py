"""Certificates: something creates the Secret with the ingress' certificate."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.objects import dig, title
from tarmac.gates.views.scope import counted
from tarmac.report import Finding

#: By these cert-manager makes a Certificate of an Ingress or a Gateway itself.
SHIM = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield certificates of the ingress that nothing creates, or that lack one of its hosts."""
    made = set(_made(subject))
    covered = {
        dig(certificate.data, "spec", "secretName"): frozenset(
            dig(certificate.data, "spec", "dnsNames") or ()
        )
        for certificate in subject.objects("Certificate")
    }
    for artifact in subject.objects("Ingress", "Gateway"):
        noted = dig(artifact.data, "metadata", "annotations") or {}
        if any(annotation in noted for annotation in SHIM):
            continue
        for secret, names in _read(artifact.data):
            if secret not in made:
                yield Finding(
                    subject.at("ingress", "tls"),
                    f"nothing creates the Secret {secret} that {title(artifact)} reads; name its "
                    "issuer (`ingress: {issuer: NAME}`, a ClusterIssuer of cert-manager), or "
                    "create it by hand and suppress this in suppressions.yaml",
                    warning=True,
                )
            elif lacking := sorted(names - covered.get(secret, names)):
                yield Finding(
                    artifact.path,
                    f"the certificate in {secret} is not for {', '.join(lacking)}; add it to "
                    "`dnsNames` of its Certificate",
                )


def _made(subject: Subject) -> Iterator[str]:
    for artifact in subject.objects("Certificate"):
        yield str(dig(artifact.data, "spec", "secretName"))
    for artifact in subject.objects("Secret", "ExternalSecret"):
        target = dig(artifact.data, "spec", "target", "name")
        yield str(target or dig(artifact.data, "metadata", "name"))


def _read(way: object) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each Secret that an Ingress or Gateway reads, with its hosts."""
    for tls in dig(way, "spec", "tls") or ():
        if tls.get("secretName"):
            yield tls["secretName"], frozenset(tls.get("hosts") or ())
    for listener in dig(way, "spec", "listeners") or ():
        for reference in dig(listener, "tls", "certificateRefs") or ():
            yield str(reference.get("name")), frozenset(filter(None, (listener.get("hostname"),)))


def _certificates(subject: Subject) -> list[object]:
    ways = subject.objects("Ingress", "Gateway")
    return [secret for artifact in ways for secret in _read(artifact.data)]


GATE = Gate(
    id="SEC006",
    title="The ingress has a certificate that is issued and renewed",
    phase="security",
    source="without the Secret clients get a controller's own certificate, or none; one created "
    "by hand expires unnoticed",
    check=check,
    scope=counted("certificates", _certificates),
    reads="Secrets that Ingress and Gateway objects read, and Certificate, Secret and "
    "ExternalSecret objects that make them. Whether the issuer exists and is trusted, only a "
    "cluster knows; a wildcard name counts for itself alone.",
)
