"""A policy reads a setting of the pod, and of the container that overrides it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.rego import Rego, regos
from tarmac.check.gates.views.scope import counted_in_files

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
                f"{names} is read of containers alone: a pod that sets it once, in "
                "spec.securityContext, is judged as if it did not; read "
                f"input.review.object.spec.securityContext.{next(iter(lacking))} where a container "
                "has none of its own",
            )


def _policies(files: Files) -> list[Rego]:
    return [rego for rego in regos(files) if _OF_CONTAINER.search(rego.text)]


GATE = Gate(
    id="POL003",
    title="A policy reads the pod's security context, too",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: a pod's "
    "setting applies to its containers, and a container's own comes first",
    check=check,
    scope=counted_in_files("policies on security contexts", _policies),
    of_files=check,
    alone=True,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="fields that containers inherit, in the Rego of Gatekeeper's templates and *.rego.",
)
