"""Rights are granted to accounts that are named, and not to all that a cluster has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import kinds

#: Groups and users that a cluster fills by itself, and what is in them.
EVERY = {
    "system:authenticated": "every user and every account of the cluster",
    "system:serviceaccounts": "every account of every namespace",
    "system:unauthenticated": "every request without a login",
    "system:anonymous": "every request without a login",
}
_OPEN = ("system:unauthenticated", "system:anonymous")
#: Roles that every cluster has, and what they let do.
_BUILT_IN = {
    "cluster-admin": "do everything", "admin": "read secrets and write nearly all",
    "edit": "read secrets and write nearly all",
}  # fmt: skip
_PUBLIC = re.compile(r"public|anonymous|unauthenticated|everyone")
_WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection", "*"})
_READING = frozenset({"get", "list", "watch", "*"})
#: What is created by asking, and changes nothing.
_REVIEWS = frozenset({
    "selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "tokenreviews",
    "subjectaccessreviews", "localsubjectaccessreviews",
})  # fmt: skip

#: Kinds whose pods a program makes, with the account `default` where they name none.
_MAKERS = (
    *("Task", "Pipeline", "TaskRun", "PipelineRun", "TriggerTemplate"),
    *("Workflow", "WorkflowTemplate", "CronWorkflow", "ClusterWorkflowTemplate"),
)


def check(files: Files) -> Iterator[Finding]:
    """Yield bindings by which everything in a cluster reads secrets or writes."""
    roles = {
        (kind_of(one), space_of(one) if kind_of(one) == "Role" else "", name_of(one)): one
        for one in files.objects("Role", "ClusterRole")
    }
    yield from _unused(files)
    for binding in files.objects("RoleBinding", "ClusterRoleBinding"):
        given = fields(binding.data, "roleRef")
        kind, name = string(given, "kind"), string(given, "name")
        role = roles.get((kind, space_of(binding) if kind == "Role" else "", name))
        is_built_in = kind == "ClusterRole" and role is None
        power = _BUILT_IN.get(name, "") if is_built_in else _power(role)
        for number, subject in numbered(binding.data, "subjects"):
            group = string(subject, "name")
            is_view = is_built_in and name == "view" and group in _OPEN
            may = power or ("read nearly all" if is_view else "")
            if group in EVERY and may and string(subject, "kind") in ("Group", "User"):
                what = f"{title(binding)} lets {EVERY[group]} ({group}) {may}"
                advice = "name the ServiceAccounts"
                if group == "system:serviceaccounts":
                    own = space_of(binding) or "NAMESPACE"
                    advice = f"name the accounts, or {group}:{own} for those of a namespace"
                where = binding.at("subjects", number, "name")
                # What is called public is shown to all on purpose.
                is_shown = is_view and _PUBLIC.search(name_of(binding)) is not None
                is_meant = group not in _OPEN or is_shown
                yield Finding(where, f"{what}; {advice}", warning=is_meant)


def _unused(files: Files) -> Iterator[Finding]:
    """Yield rights of the account `default` where all pods have another one without any."""
    if next(iter(files.objects(*_MAKERS)), None) is not None:
        return
    by_space: dict[str, set[str]] = {}
    for own in pods(files):
        by_space.setdefault(space_of(own.artifact), set()).add(own.spec.account or "default")
    bindings = files.objects("RoleBinding", "ClusterRoleBinding")
    granted = {
        (string(one, "namespace") or space_of(binding), string(one, "name"))
        for binding in bindings
        for one in items(binding.data, "subjects")
    }
    for binding in bindings:
        for number, subject in numbered(binding.data, "subjects"):
            space = string(subject, "namespace") or space_of(binding)
            used = by_space.get(space, set())
            named = (string(subject, "kind"), string(subject, "name"))
            if named != ("ServiceAccount", "default") or "default" in used:
                continue
            if left := sorted(name for name in used if (space, name) not in granted):
                what = (
                    f"{title(binding)} gives its rights to the account default of {space}, and the"
                )
                where = binding.at("subjects", number, "name")
                advice = f"pods there run as {', '.join(left)}, which has none; name that"
                yield Finding(where, f"{what} {advice}")


def _power(role: Artifact | None) -> str:
    """Say what a role lets do that is more than to look around; "" where it is not."""
    for rule in items(role.data, "rules") if role is not None else ():
        verbs, asked = (set(map(str, items(rule, key))) for key in ("verbs", "resources"))
        resources = {one.partition("/")[0] for one in asked} - _REVIEWS
        groups = set(map(str, items(rule, "apiGroups")))
        if {"secrets", "*"} & resources and {"", "*"} & groups and verbs & _READING:
            return "read secrets"
        if resources and verbs & _WRITING:
            written = ", ".join(sorted(asked - _REVIEWS))
            told = ", ".join(sorted(verbs & _WRITING)).replace("*", "do everything with")
            return f"{told} {written}"
    return ""


GATE = Gate(
    id="SEC016",
    title="Rights are granted to accounts that are named",
    phase="security",
    source="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects: "
    "system:serviceaccounts is every account of the cluster, and system:authenticated every user, "
    "too",
    check=check,
    of_files=check,
    scope=kinds("bindings", "RoleBinding", "ClusterRoleBinding"),
    targets=("cluster",),
    reads="subjects of bindings beside the rules of roles in these files, and the roles that every "
    "cluster has.",
)
