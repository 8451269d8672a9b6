"""Which Ingresses ingress-nginx serves, by their class or by their annotations."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.check.gates.views.objects.metadata import metadata

NGINX = "nginx.ingress.kubernetes.io/"
_OLD = "kubernetes.io/ingress.class"


def is_of_nginx(ingress: Artifact) -> bool:
    """Tell whether ingress-nginx serves an Ingress."""
    noted = metadata(ingress).annotations
    name = string(ingress.data, "spec", "ingressClassName") or str(noted.get(_OLD, ""))
    if name:
        return name == "nginx" or name.startswith(("nginx-", "ingress-nginx")) or "-nginx" in name
    return any(str(key).startswith(NGINX) for key in noted)
