"""A policy about containers looks at all of them: at those that begin a pod, too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._rego import regos
from tarmac.report import Finding

_READ = re.compile(r"(?:\.|\[\")(containers|initContainers|ephemeralContainers)\b")
_OTHERS = ("initContainers", "ephemeralContainers")
_GENERIC = re.compile(r"\"(initContainers|ephemeralContainers)\"")


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that look at `containers` alone."""
    for rego in regos(files):
        read = {found[1] for found in _READ.finditer(rego.text)}
        read |= set(_GENERIC.findall(rego.text))  # a set of names, which is walked through
        first = _READ.search(rego.text)
        if first is None or "containers" not in read or "initContainers" in read:
            continue
        lacking = " and ".join(name for name in _OTHERS if name not in read)
        yield Finding(
            rego.at(first.start()),
            f"it looks at containers and not at {lacking}: whoever is refused puts the same into "
            "an init container; add a rule for each, e.g. `input_containers[c] { c := "
            "input.review.object.spec.initContainers[_] }`",
        )


GATE = Gate(
    id="POL002",
    title="A policy about containers looks at init containers, too",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/pod-security-standards: each restriction "
    "names containers, initContainers and ephemeralContainers",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="which lists of containers the Rego of Gatekeeper's templates and *.rego names.",
)
