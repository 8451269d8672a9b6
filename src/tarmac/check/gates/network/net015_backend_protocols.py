"""An Ingress speaks TLS to a server that takes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.objects.selections import chosen, selections
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_PROTOCOL = "nginx.ingress.kubernetes.io/backend-protocol"
_SECURE = ("HTTPS", "GRPCS")
_PASSED = "nginx.ingress.kubernetes.io/ssl-passthrough"


class Backend(NamedTuple):
    """A Service that a path of an Ingress of nginx leads to."""

    ingress: Artifact
    where: str
    service: str


def check(files: Files) -> Iterator[Finding]:
    """Yield paths that lead by plain HTTP to pods whose own probes ask by HTTPS."""
    secure = set(_secure(files))
    for one in _backends(files):
        noted = metadata(one.ingress).annotations
        is_told = str(noted.get(_PROTOCOL, "")).upper() in _SECURE
        is_passed = str(noted.get(_PASSED)) == "true"
        if (space_of(one.ingress), one.service) in secure and not is_told and not is_passed:
            what = f"{title(one.ingress)} leads to {one.service} by plain HTTP, and its pods are"
            said = f"{what} probed by HTTPS: they answer 400; write {_PROTOCOL}: HTTPS"
            yield Finding(one.where, said)


def _secure(files: Files) -> Iterator[tuple[str, str]]:
    """Yield Services of one port all of whose pods are probed by HTTPS."""
    index = PodIndex(pods(files, *SERVING))
    for selection in selections(files):
        found = list(chosen(selection, index) or ()) if selection.is_service else []
        ports = items(selection.artifact.data, "spec", "ports")
        if len(ports) == 1 and found and all(map(_is_secure, found)):
            yield space_of(selection.artifact), name_of(selection.artifact)


def _is_secure(own: Pods) -> bool:
    """Tell whether pods are probed by HTTPS alone."""
    kinds = ("readinessProbe", "livenessProbe", "startupProbe")
    asked = [fields(one.data, kind, "httpGet") for one in own.main_containers for kind in kinds]
    return any(asked) and all(string(one, "scheme") == "HTTPS" for one in asked if one)


@once
def _backends(files: Files) -> Iterator[Backend]:
    for ingress in files.objects("Ingress"):
        noted = " ".join(map(str, metadata(ingress).annotations))
        name = string(ingress.data, "spec", "ingressClassName")
        is_nginx = "nginx" in name or (not name and "nginx.ingress.kubernetes.io/" in noted)
        for number, rule in numbered(dig(ingress.data, "spec"), "rules") if is_nginx else ():
            for place, path in numbered(dig(rule, "http"), "paths"):
                where = ingress.at("spec", "rules", number, "http", "paths", place)
                if service := string(path, "backend", "service", "name"):
                    yield Backend(ingress, where, service)


GATE = Gate(
    id="NET015",
    title="An Ingress speaks to its backend as that does",
    phase="kubernetes",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/"
    "#backend-protocol: HTTP is what it speaks where nothing else is said",
    check=check,
    of_files=check,
    scope=counted_in_files("backends of an Ingress of nginx", _backends),
    targets=("cluster",),
    reads="the annotation of Ingresses for nginx, beside the scheme by which the pods of a Service "
    "with one port are probed.",
)
