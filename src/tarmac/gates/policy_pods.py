"""A policy reads a setting where it may stand: of the pod, and of the container that changes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._rego import regos
from tarmac.report import Finding

#: Fields of a pod's security context that its containers inherit.
INHERITED = ("runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile")
_OF_CONTAINER = re.compile(rf"\b(\w+)\.securityContext\.({'|'.join(INHERITED)})\b")
_OF_POD = re.compile(rf"\bspec\.securityContext\.({'|'.join(INHERITED)})\b")
#: A pod's whole security context, given to a rule of its own or read by name.
_WHOLE = re.compile(r"\bspec\.securityContext\b(?!\.)|\bspec,\s*\[?\"securityContext\"")


def check(files: Files) -> Iterator[Finding]:
    """Yield fields that a policy reads of containers alone."""
    for rego in regos(files):
        if _WHOLE.search(rego.text):
            continue
        of_pod = set(_OF_POD.findall(rego.text))
        lacking: dict[str, int] = {}
        for found in _OF_CONTAINER.finditer(rego.text):
            if found[1] != "spec" and found[2] not in of_pod:
                lacking.setdefault(found[2], found.start())
        if lacking:
            names = ", ".join(lacking)
            yield Finding(
                rego.at(min(lacking.values())),
                f"{names} is read of containers alone: a pod that says it once, in "
                "spec.securityContext, is judged as if it said nothing; read "
                f"input.review.object.spec.securityContext.{next(iter(lacking))} where a container "
                "has none of its own",
            )


GATE = Gate(
    id="POL003",
    title="A policy reads the pod's security context where a container has none",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: what a pod "
    "says holds for its containers, and what a container says comes first",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="fields that containers inherit, in the Rego of Gatekeeper's templates and *.rego.",
)
