"""Secrets of certificates have one writer, and are made in the namespace where they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import released_charts
from tarmac.check.gates.views.network.gateway_proxies import gateway_proxies
from tarmac.check.gates.views.objects.certificates import Certificate, TlsSecret, tls_secrets
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import (
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.objects.stored_objects import StoredObject, kept
from tarmac.check.gates.views.scope import kinds

_READERS = ("Ingress", "Gateway")
#: By one of these annotations cert-manager makes a Certificate for each Secret of an Ingress.
_ASKING = frozenset({
    "cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme",
})  # fmt: skip
#: What brings Secrets into other namespaces.
_COPIERS = ("ClusterExternalSecret", "ClusterPolicy", "Policy", "SecretExport", "SecretImport")
_COPIED = re.compile(r"(?i)reflect|replicat|kubed|config-syncer|clone|propagate")
#: What a kind of the cluster reads its Secrets by, and where its controller usually is.
_HOMES = {"ClusterIssuer": "cert-manager", "ClusterTriggerAuthentication": "keda"}
#: Namespaces in which such a controller may be as well.
_OF_PLATFORM = re.compile(
    r"(?i)cert|keda|system|infra|platform|ingress|network|edge|core|ops|secur"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield Secrets that two write, and those that are made where nothing reads them."""
    yield from _written_twice(files)
    for artifact in files.objects("Ingress"):
        asked = _ASKING & {*map(str, metadata(artifact).annotations)}
        if asked and not items(artifact.data, "spec", "tls"):
            what = f"{title(artifact)} has {min(asked)} and no `tls`, so no certificate is made for"
            where = artifact.at("metadata", "annotations", min(asked))
            yield Finding(where, f"{what} its hosts; write `tls` with hosts and secretName")
    made: dict[str, list[StoredObject]] = {}
    for one in kept(files):
        if one.kind == "Secret":
            made.setdefault(one.name, []).append(one)
    if any(True for _ in files.objects(*_COPIERS)):
        return
    for artifact in files.objects(*_READERS):
        if not _is_asking(artifact) and "istio" not in string(
            artifact.data, "spec", "ingressClassName"
        ):
            for secret in tls_secrets(artifact):
                space = secret.namespace or space_of(artifact)
                where = artifact.at(*_path(artifact, secret))
                what = f"{title(artifact)} reads Secret {secret.name} of {space}"
                yield from _elsewhere(where, what, space, made.get(secret.name, []))
    yield from _at_the_edge(files, made)
    charts = released_charts(files, frozenset(_HOMES.values()))
    homes = {one.chart: one.namespace for one in charts if one.namespace and not one.is_open}
    for artifact in files.objects(*_HOMES):
        usual = _HOMES[kind_of(artifact)]
        home = homes.get(usual, usual)
        for name in sorted(set(_read(artifact.data))):
            found = made.get(name, [])
            is_near = any(_OF_PLATFORM.search(one.namespace) for one in found)
            if found and (usual in homes or not is_near):
                what = f"{title(artifact)} reads Secret {name} of its controller's namespace"
                which = f"which is {home}" if usual in homes else f"which is {home} mostly"
                where = found[0].artifact.at("metadata", "namespace")
                yield from _elsewhere(where, f"{what}, {which}", home, found)


def _at_the_edge(files: Files, made: dict[str, list[StoredObject]]) -> Iterator[Finding]:
    """Yield certificates of Istio's Gateways that are made elsewhere than its proxies run."""
    proxies = gateway_proxies(files)
    for gateway in files.objects("Gateway") if proxies else ():
        wanted = fields(gateway.data, "spec", "selector").items()
        spaces = {one.namespace for one in proxies if wanted and wanted <= one.labels.items()}
        space = min(spaces) if len(spaces) == 1 else ""
        for number, server in numbered(gateway.data, "spec", "servers") if space else ():
            name = string(server, "tls", "credentialName")
            where = gateway.at("spec", "servers", number, "tls", "credentialName")
            what = f"{title(gateway)} has its proxies in {space}, which read Secret {name} there"
            yield from _elsewhere(where, what, space, made.get(name, []))


def _is_asking(artifact: Artifact) -> bool:
    return not _ASKING.isdisjoint(map(str, metadata(artifact).annotations))


def _written_twice(files: Files) -> Iterator[Finding]:
    """Yield Secrets of an Ingress for which cert-manager has two Certificates, or too few hosts."""
    own: dict[tuple[str, str, str], Artifact] = {}
    for artifact in files.objects("Certificate"):
        own.setdefault((*place_of(artifact), str(Certificate(artifact).secret)), artifact)
    first: dict[tuple[str, str, str], tuple[Artifact, TlsSecret]] = {}
    for artifact in files.objects(*_READERS):
        for secret in tls_secrets(artifact) if _is_asking(artifact) else ():
            key = (*place_of(artifact), secret.name)
            where = artifact.at(*_path(artifact, secret))
            written = own.get(key)
            # That of the name which it would make itself is left as it is.
            if written is not None and name_of(written) != secret.name:
                what = f"{title(artifact)} has cert-manager make a Certificate for Secret"
                why = f"{secret.name}, which {title(written)} writes as well, so one of the two is"
                what = f"{what} {why} never ready; remove the annotation, or {title(written)}"
                at = written.at("spec", "secretName")
                yield Finding(at, what)
            other, before = first.setdefault(key, (artifact, secret))
            lacks = sorted(secret.hosts - before.hosts)
            if written is None and other is not artifact and lacks and before.hosts:
                what = (
                    f"{title(artifact)} reads Secret {secret.name}, whose Certificate is made for"
                )
                why = f"the hosts of {title(other)} alone, so it is not one for {lacks[0]}"
                yield Finding(where, f"{what} {why}; name another Secret")


def _elsewhere(where: str, what: str, space: str, found: list[StoredObject]) -> Iterator[Finding]:
    """Yield what is made in other namespaces alone."""
    spaces = {one.namespace for one in found}
    if space and spaces and "" not in spaces and space not in spaces:
        if any(_COPIED.search(str(one.artifact.data)) for one in found):
            return
        makers = sorted({f"{title(one.artifact)} makes it in {one.namespace}" for one in found})
        yield Finding(where, f"{what}, and {', '.join(makers)}; make it there", warning=True)


def _path(artifact: Artifact, secret: TlsSecret) -> Path:
    """Find where an Ingress or Gateway names a Secret."""
    for number, tls in enumerate(items(artifact.data, "spec", "tls")):
        if text(tls, "secretName") == secret.name:
            return ("spec", "tls", number, "secretName")
    for number, listener in enumerate(items(artifact.data, "spec", "listeners")):
        if any(
            text(one, "name") == secret.name for one in items(listener, "tls", "certificateRefs")
        ):
            return ("spec", "listeners", number, "tls")
    return ("spec",)


def _read(data: Fields) -> Iterator[str]:
    """Yield the Secrets that must be there: not those that cert-manager writes itself."""
    for key, value in data.items():
        if str(key).endswith("SecretRef") and key != "privateKeySecretRef":
            yield string(value, "name")
        elif key == "ca" and string(value, "secretName"):
            yield string(value, "secretName")
        elif key == "secretTargetRef":
            yield from (string(one, "name") for one in items(data, key))
        else:
            for one in (value, *items(data, str(key))):
                yield from _read(fields(one))


GATE = Gate(
    id="NET013",
    title="Secrets of certificates have one writer, where they are read",
    phase="kubernetes",
    source="https://cert-manager.io/docs/configuration/#cluster-resource-namespace and "
    "https://cert-manager.io/docs/usage/ingress: a Secret is read in one namespace, and "
    "cert-manager leaves a Certificate alone that it has not made for an Ingress",
    check=check,
    of_files=check,
    scope=kinds("what reads certificates or issues them", *_READERS, "Certificate", *_HOMES),
    targets=(),
    reads="Secrets of Ingresses, Gateways and ClusterIssuers beside what makes them in these "
    "files, where nothing here copies Secrets. Judges files without a plan only.",
)
