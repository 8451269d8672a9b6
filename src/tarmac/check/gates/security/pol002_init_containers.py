"""A policy on containers covers all of them, init containers included."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.rego import Rego, regos
from tarmac.check.gates.views.scope import counted_in_files

_READ = re.compile(r"(?:\.|\[\")(containers|initContainers|ephemeralContainers)\b")
_OTHERS = ("initContainers", "ephemeralContainers")
_GENERIC = re.compile(r"\"(initContainers|ephemeralContainers)\"")

#: What init containers have none of, nor ephemeral ones.
_OF_SERVERS = re.compile(r"(?i)probe|\blifecycle\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that look at `containers` alone."""
    for rego in regos(files):
        read = {found[1] for found in _READ.finditer(rego.text)}
        read |= set(_GENERIC.findall(rego.text))  # a set of names, which is iterated
        first = _READ.search(rego.text)
        if first is None or "containers" not in read or "initContainers" in read:
            continue
        if "input.review" not in rego.text:
            continue  # a test of a chart, say: no request is admitted by it
        if _OF_SERVERS.search(rego.text):
            continue
        lacking = " and ".join(name for name in _OTHERS if name not in read)
        yield Finding(
            rego.at(first.start()),
            f"it covers containers and not {lacking}: what it rejects is allowed in "
            "an init container; add a rule for each, e.g. `input_containers[c] { c := "
            "input.review.object.spec.initContainers[_] }`",
        )


def _policies(files: Files) -> list[Rego]:
    return [rego for rego in regos(files) if _READ.search(rego.text) or _GENERIC.search(rego.text)]


GATE = Gate(
    id="POL002",
    title="A policy on containers covers init containers",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/pod-security-standards: each restriction "
    "names containers, initContainers and ephemeralContainers",
    check=check,
    scope=counted_in_files("policies on containers", _policies),
    of_files=check,
    alone=True,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="which lists of containers the Rego of Gatekeeper's templates and *.rego names.",
)
