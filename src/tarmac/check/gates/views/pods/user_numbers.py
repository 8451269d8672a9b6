"""Containers that may not run as root, and for which no number of a user is written."""

from __future__ import annotations

from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods


def lacks_number(own: Pods, container: Container) -> str:
    """Return where a container may not run as root without a number; "" where that is not so."""
    context = container.security.over(own.spec.security)
    if not context.not_root or context.user is not None:
        return ""
    at = container.at if container.security.not_root else own.at
    return at("securityContext", "runAsNonRoot")
