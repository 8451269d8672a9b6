"""Certificates: something makes the Secret that the way in reads its certificate from."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, title
from tarmac.report import Finding

#: By these cert-manager makes a Certificate of an Ingress or a Gateway itself.
SHIM = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield certificates of the way in that nothing makes, or that lack one of its hosts."""
    made = set(_made(subject))
    covered = {
        dig(each.data, "spec", "secretName"): frozenset(dig(each.data, "spec", "dnsNames") or ())
        for each in subject.objects("Certificate")
    }
    for artifact in subject.objects("Ingress", "Gateway"):
        noted = dig(artifact.data, "metadata", "annotations") or {}
        if any(each in noted for each in SHIM):
            continue
        for secret, names in _read(artifact.data):
            if secret not in made:
                yield Finding(
                    subject.at("ingress", "tls"),
                    f"nothing makes the Secret {secret} that {title(artifact)} reads; say who "
                    "issues it (`ingress: {issuer: NAME}`, a ClusterIssuer of cert-manager), or "
                    "make it by hand and bear this in suppressions.yaml",
                    warning=True,
                )
            elif lacking := sorted(names - covered.get(secret, names)):
                yield Finding(
                    artifact.path,
                    f"the certificate in {secret} is not for {', '.join(lacking)}; add it to "
                    "`dnsNames` of its Certificate",
                )


def _made(subject: Subject) -> Iterator[str]:
    for each in subject.objects("Certificate"):
        yield str(dig(each.data, "spec", "secretName"))
    for each in subject.objects("Secret", "ExternalSecret"):
        target = dig(each.data, "spec", "target", "name")
        yield str(target or dig(each.data, "metadata", "name"))


def _read(way: object) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each Secret that a way in reads, with the hosts for which it does."""
    for each in dig(way, "spec", "tls") or ():
        if each.get("secretName"):
            yield each["secretName"], frozenset(each.get("hosts") or ())
    for listener in dig(way, "spec", "listeners") or ():
        for each in dig(listener, "tls", "certificateRefs") or ():
            yield each["name"], frozenset(filter(None, (listener.get("hostname"),)))


GATE = Gate(
    id="SEC006",
    title="The way in has a certificate that something makes and renews",
    phase="security",
    source="a Secret that nobody makes leaves the world with a controller's own certificate, or "
    "with none; one made by hand ends on a day that nobody looks at",
    check=check,
    looks_at="Secrets that Ingress and Gateway objects read, and Certificate, Secret and "
    "ExternalSecret objects that make them. Whether the issuer is there and is believed is for a "
    "cluster to say; a name with a star is taken for itself alone.",
)
