"""Each name of a certificate has a solver that may prove it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Fields, Path, fields, items, mappings, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import group_of, metadata, name_of, space_of, title
from tarmac.check.gates.views.objects.scaled import are_apart
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.scope import counted_in_files

API = "cert-manager.io"
#: By these annotations cert-manager makes a Certificate, with the labels of what has them.
_NOTED = {f"{API}/cluster-issuer": "ClusterIssuer", f"{API}/issuer": "Issuer"}
_WILD = "*."


class Order(NamedTuple):
    """Names for which a certificate is asked, and the issuer that is asked."""

    artifact: Artifact
    path: Path
    names: tuple[str, ...]
    issuer: Artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield certificates with a name that no solver of their issuer takes."""
    added: set[str] | None = None
    for one in _orders(files):
        solvers = mappings(items(one.issuer.data, "spec", "acme", "solvers"))
        labels = metadata(one.artifact).labels
        for name in one.names:
            lacks = [_lack(solver, labels, name) for solver in solvers]
            if not all(lacks):
                continue
            if added is None:
                added = set(_added(files))
            keys = {str(key) for one in solvers for key in fields(one, "selector", "matchLabels")}
            if not keys & added:
                what = f"{title(one.artifact)} is for {name}, and no solver of {title(one.issuer)}"
                said = f"{what} takes it ({'; '.join(dict.fromkeys(lacks))}), so it is never issued"
                advice = "add it to a selector, or a solver of its own"
                if any("the label" in lack for lack in lacks):
                    advice = "write the label, or a solver of its own"
                if name.startswith(_WILD) and not any("dns01" in solver for solver in solvers):
                    advice = "add one with dns01"
                yield Finding(one.artifact.at(*_place(one, keys, advice)), f"{said}; {advice}")
                break


def _place(one: Order, keys: set[str], advice: str) -> Path:
    """Find where a label is misspelt; else where the names are."""
    labels = list(map(str, metadata(one.artifact).labels))
    near = [own for key in sorted(keys) if (own := only_near(key, labels)) and own not in keys]
    return ("metadata", "labels", near[0]) if near and "dns01" not in advice else one.path


def _lack(solver: Fields, labels: Fields, name: str) -> str:
    """Say why a solver does not take a name; empty: it does."""
    asked = fields(solver, "selector")
    for key, value in fields(asked, "matchLabels").items():
        if str(labels.get(key)) != str(value):
            return f"one is for the label {key}: {value}"
    names, zones = (list(texts(asked.get(key))) for key in ("dnsNames", "dnsZones"))
    if names and name not in names:
        return f"one is for {_first(names)}"
    if zones and not any(f".{name}".endswith(f".{zone}") for zone in zones):
        return f"one is for the zone {_first(zones)}"
    if name.startswith(_WILD) and "dns01" not in solver:
        return "http01 proves no wildcard"
    return ""


def _first(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} others" if names[1:] else names[0]


def _added(files: Files) -> Iterator[str]:
    """Yield the keys of labels that kustomizations add."""
    for one in kustomization_files(files):
        yield from map(str, fields(one.data, "commonLabels"))
        for pairs in mappings(items(one.data, "labels")):
            yield from map(str, fields(pairs, "pairs"))


@once
def _orders(files: Files) -> Iterator[Order]:
    issuers: dict[tuple[str, str, str], list[Artifact]] = {}
    for kind in ("ClusterIssuer", "Issuer"):
        for one in files.objects(kind):
            space = space_of(one) if kind == "Issuer" else ""
            issuers.setdefault((kind, name_of(one), space), []).append(one)
    for artifact, path, names, kind, name in _asked(files) if issuers else ():
        space = space_of(artifact) if kind == "Issuer" else ""
        found = [
            one for one in issuers.get((kind, name, space), ()) if not are_apart(one, artifact)
        ]
        is_known = len(found) == 1 and items(found[0].data, "spec", "acme", "solvers")
        written = [str(one) for one in (*names, *metadata(artifact).labels.values())]
        if is_known and names and not any(map(is_mark, written)):
            yield Order(artifact, path, names, found[0])


def _asked(files: Files) -> Iterator[tuple[Artifact, Path, tuple[str, ...], str, str]]:
    """Yield what a certificate is asked for, with its names and the kind and name of its issuer."""
    for one in files.objects("Certificate"):
        issuer = fields(one.data, "spec", "issuerRef")
        if group_of(one) == API and issuer.get("group", API) == API:
            names = tuple(texts(list(items(one.data, "spec", "dnsNames"))))
            kind = string(issuer, "kind") or "Issuer"
            yield one, ("spec", "dnsNames"), names, kind, string(issuer, "name")
    for one in files.objects("Ingress"):
        for key, kind in _NOTED.items():
            if name := metadata(one).annotations.get(key):
                hosts = [
                    host for tls in items(one.data, "spec", "tls") for host in items(tls, "hosts")
                ]
                names = tuple(texts(hosts))
                yield one, ("metadata", "annotations", key), names, kind, str(name)


GATE = Gate(
    id="NET057",
    title="Each name of a certificate has a solver that may prove it",
    phase="kubernetes",
    source="https://cert-manager.io/docs/configuration/acme/#adding-multiple-solver-types: a "
    "solver is for the labels, names and zones of its selector; HTTP01 proves no wildcard",
    check=check,
    of_files=check,
    scope=counted_in_files("orders of certificates", _orders),
    targets=("cluster",),
    reads="names and labels of Certificates, and of Ingresses for which cert-manager makes one, "
    "beside the solvers of their ACME issuer, where that is in these files.",
)
