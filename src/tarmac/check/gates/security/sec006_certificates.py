"""Certificates: something creates the Secret with the ingress' certificate, where it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.certificates import Certificate, TlsSecret, tls_secrets
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.objects.stored_data import ExternalSecret
from tarmac.check.gates.views.scope import counted

#: By these cert-manager makes a Certificate of an Ingress or a Gateway itself.
SHIM = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield certificates of the ingress that nothing creates, or that lack one of its hosts."""
    made = _made(subject)
    certificates = [Certificate(artifact) for artifact in subject.objects("Certificate")]
    covered = {certificate.secret: certificate.hosts for certificate in certificates}
    for artifact in subject.objects("Ingress", "Gateway"):
        noted = metadata(artifact).annotations
        if any(annotation in noted for annotation in SHIM):
            continue
        for secret, names, space in tls_secrets(artifact):
            places = made.get(secret, set())
            if places and space and not places & {space, ""}:
                yield Finding(
                    artifact.path,
                    f"{title(artifact)} reads the Secret {secret} of the namespace {space}, and it "
                    f"is created in {', '.join(sorted(places))}; create it there",
                )
            elif not places:
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


def _made(subject: Subject) -> Mapping[str, set[str]]:
    """Find the Secrets that are created, and the namespaces of each."""
    found: dict[str, set[str]] = {}
    for artifact in subject.objects("Certificate"):
        found.setdefault(str(Certificate(artifact).secret), set()).add(space_of(artifact))
    for artifact in subject.objects("Secret"):
        found.setdefault(name_of(artifact), set()).add(space_of(artifact))
    for artifact in subject.objects("ExternalSecret"):
        found.setdefault(ExternalSecret(artifact).target, set()).add(space_of(artifact))
    return found


def _certificates(subject: Subject) -> list[TlsSecret]:
    ways = subject.objects("Ingress", "Gateway")
    return [secret for artifact in ways for secret in tls_secrets(artifact)]


GATE = Gate(
    id="SEC006",
    title="The ingress has a certificate that is issued and renewed in its namespace",
    phase="security",
    source="without the Secret clients get a controller's own certificate, or none; one created "
    "by hand expires unnoticed",
    check=check,
    scope=counted("certificates", _certificates),
    reads="Secrets that Ingress and Gateway objects read, and Certificate, Secret and "
    "ExternalSecret objects that make them. Whether the issuer exists and is trusted, only a "
    "cluster knows; a wildcard name counts for itself alone.",
)
