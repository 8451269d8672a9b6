"""Pods whose account has rights in the cluster have the token that shows it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, flag, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_KEY = "automountServiceAccountToken"


def check(files: Files) -> Iterator[Finding]:
    """Yield pods that are given rights, and not the token by which they would use them."""
    for own, binding in _granted(files):
        spec = fields(own.artifact.data, *own.path)
        projected = any(
            "serviceAccountToken" in source for one in own.spec.volumes for source in one.projected
        )
        if flag(spec, _KEY) is False and not projected:
            what = f"{title(own.artifact)} runs as {own.spec.account}, to which {binding} gives"
            said = f"{what} rights, and gets no token ({_KEY}: false): it cannot use them"
            yield Finding(own.at(_KEY), f"{said}; mount it, or remove the binding", warning=True)


@once
def _granted(files: Files) -> Iterator[tuple[Pods, str]]:
    """Yield pods whose account a binding names, with the binding."""
    bound = dict(_bound(files))
    for own in pods(files):
        binding = bound.get((str(own.spec.account or ""), space_of(own.artifact)))
        if binding is not None and own.spec.account not in (None, "", "default"):
            yield own, binding


@once
def _bound(files: Files) -> Iterator[tuple[tuple[str, str], str]]:
    for one in files.objects("RoleBinding", "ClusterRoleBinding"):
        for subject in items(one.data, "subjects"):
            if string(subject, "kind") == "ServiceAccount":
                space = string(subject, "namespace") or space_of(one)
                yield (string(subject, "name"), space), title(one)


GATE = Gate(
    id="SEC021",
    title="Pods with rights in the cluster have a token",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account: "
    "without the mounted token a program cannot log in to the API server",
    check=check,
    of_files=check,
    scope=counted_in_files("pods whose account has rights", _granted),
    targets=("cluster",),
    reads="accounts of pods beside RoleBindings and ClusterRoleBindings, and whether their token "
    "is mounted.",
)
