"""Certificates: something creates the Secret with the ingress' certificate."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Subject
from tarmac.gates.views.objects.certificates import Certificate, TlsSecret, tls_secrets
from tarmac.gates.views.objects.metadata import metadata, name_of, title
from tarmac.gates.views.objects.stored_data import ExternalSecret
from tarmac.gates.views.scope import counted
from tarmac.report import Finding

#: By these cert-manager makes a Certificate of an Ingress or a Gateway itself.
SHIM = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield certificates of the ingress that nothing creates, or that lack one of its hosts."""
    made = set(_made(subject))
    certificates = [Certificate(artifact) for artifact in subject.objects("Certificate")]
    covered = {certificate.secret: certificate.hosts for certificate in certificates}
    for artifact in subject.objects("Ingress", "Gateway"):
        noted = metadata(artifact).annotations
        if any(annotation in noted for annotation in SHIM):
            continue
        for secret, names in tls_secrets(artifact):
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
        yield str(Certificate(artifact).secret)
    yield from map(name_of, subject.objects("Secret"))
    for artifact in subject.objects("ExternalSecret"):
        yield ExternalSecret(artifact).target


def _certificates(subject: Subject) -> list[TlsSecret]:
    ways = subject.objects("Ingress", "Gateway")
    return [secret for artifact in ways for secret in tls_secrets(artifact)]


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
