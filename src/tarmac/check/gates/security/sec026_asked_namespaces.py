"""A program that asks for objects of a namespace is bound to a role there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_KUBECTL = re.compile(r"(?:^|[\s/;&|(])kubectl\b([^;&|\n]*)")
_SPACE = re.compile(r"(?:^|\s)(?:-n|--namespace)[= ]?([a-z0-9][a-z0-9-]*)(?=$|\s)")
_VERB = re.compile(
    r"(?:^|\s)(?:get|describe|delete|apply|patch|rollout|scale|exec|logs|create|wait)\s"
)
_OTHER_CREDENTIALS = re.compile(r"--(token|kubeconfig|as|context|server)\b|KUBECONFIG")
#: The key of what is bound to all accounts.
_OF_ALL = ("", "system:serviceaccounts")
_IMAGE = re.compile(r"(.*/)?kubectl([:@].*)?")


class AskedNamespace(NamedTuple):
    """A namespace that kubectl asks in, and the account that it is."""

    own: Pods
    where: str
    space: str
    account: str


def check(files: Files) -> Iterator[Finding]:
    """Yield namespaces in which an account has no role."""
    asked = list(_asked(files))
    bindings = _bindings(files) if asked else {}
    for one in asked:
        home = space_of(one.own.artifact)
        mine = [*bindings.get((home, one.account), ()), *bindings.get(("", one.account), ())]
        if _OF_ALL in bindings:
            continue
        spaces = {space_of(b) for b in mine if kind_of(b) == "RoleBinding"}
        of_all = any(kind_of(b) == "ClusterRoleBinding" for b in mine)
        if mine and not of_all and one.space not in spaces and "" not in spaces:
            what = f"{title(one.own.artifact)} asks in the namespace {one.space}, and its account"
            said = f"{what} {one.account} is bound to a role in {', '.join(sorted(spaces))} alone:"
            yield Finding(one.where, f"{said} it is forbidden; add a RoleBinding in {one.space}")


def _bindings(files: Files) -> dict[tuple[str, str], list[Artifact]]:
    """List the bindings of each account, by its namespace and name; of a group, those of all."""
    found: dict[tuple[str, str], list[Artifact]] = {}
    for binding in files.objects("RoleBinding", "ClusterRoleBinding"):
        for subject in items(binding.data, "subjects"):
            space = string(subject, "namespace") or space_of(binding)
            name = string(subject, "name") or ""
            if string(subject, "kind") == "ServiceAccount":
                found.setdefault((space, name), []).append(binding)
            elif name.startswith("system:serviceaccounts"):
                found.setdefault(_OF_ALL, []).append(binding)
    return found


@once
def _asked(files: Files) -> Iterator[AskedNamespace]:
    for own in pods(files):
        account = string(own.spec.data, "serviceAccountName") or "default"
        for container in own.containers:
            if any(one.name == "KUBECONFIG" for one in container.variables):
                continue
            for command in _commands(container):
                found = _SPACE.search(command)
                known = _VERB.search(command) and not _OTHER_CREDENTIALS.search(command)
                if found and known:
                    key = "command" if items(container.data, "command") else "args"
                    yield AskedNamespace(own, container.at(key), found[1], account)


def _commands(container: Container) -> Iterator[str]:
    line = " ".join(container.words)
    if _IMAGE.fullmatch(container.image) and not items(container.data, "command"):
        yield line
    yield from _KUBECTL.findall(line)


GATE = Gate(
    id="SEC026",
    title="What asks for objects of a namespace has a role there",
    phase="security",
    source="https://kubernetes.io/docs/reference/access-authn-authz/rbac: a RoleBinding grants "
    "within its own namespace, also of a ClusterRole",
    check=check,
    of_files=check,
    scope=counted_in_files("namespaces that kubectl asks in", _asked),
    targets=("cluster",),
    reads="commands of kubectl with -n or --namespace in pods, beside the bindings of their "
    "ServiceAccount that are here.",
)
