"""An account that is made for a workload is the one that its pods run as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, space_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Where applications of Spark say how their driver is, which makes the pods of its executors.
_DRIVERS: dict[str, Path] = {
    "SparkApplication": ("spec", "driver"),
    "ScheduledSparkApplication": ("spec", "template", "driver"),
}
_SPARK = "sparkoperator.k8s.io"
_CONF = ("spark.kubernetes.authenticate.driver.serviceAccountName",
         "spark.kubernetes.authenticate.serviceAccountName")  # fmt: skip
#: Roles of every cluster that may make pods.
_MAKING = ("admin", "cluster-admin", "edit")
_DEFAULT, _ACCOUNT = "default", "ServiceAccount"
#: Groups that the default account is of.
_GROUPS = ("system:serviceaccounts", "system:authenticated")


def check(files: Files) -> Iterator[Finding]:
    """Yield pods that run as the default account beside one of their workload's name."""
    named = Counter((own.spec.account, space_of(own.artifact)) for own in pods(files))
    accounts = {(name_of(one), space_of(one)): one for one in files.objects("ServiceAccount")}
    for own, account in _pairs(files, accounts):
        space = space_of(own.artifact)
        is_near = place_of(own.artifact) == place_of(account)
        if not named[name_of(account), space] and is_near:
            what = f"{title(own.artifact)} runs as the default account of its namespace, and"
            said = f"{what} {title(account)} of its name is used by no pod: its rights are given"
            advice = f"to none; write serviceAccountName: {name_of(account)}"
            yield Finding(own.at(), f"{said} {advice}", warning=True)
    drivers = list(_drivers(files))
    makers = _makers(files) if drivers else {}
    bound = _bound_by_default(files) if drivers else set()
    for artifact, path in drivers:
        space = space_of(artifact)
        for maker, role in makers.get(space, {}).items() if {space, ""}.isdisjoint(bound) else ():
            what = f"{title(artifact)} names no account, so its driver runs as {_DEFAULT}, and"
            said = f"{what} {role} lets {maker} make pods: it gets no executor (Forbidden)"
            where = artifact.at(*path)
            yield Finding(where, f"{said}; write driver.serviceAccount: {maker}")
            break


def _drivers(files: Files) -> Iterator[tuple[Artifact, Path]]:
    """Yield applications of Spark whose driver has no account of its own."""
    for artifact in files.objects(*_DRIVERS):
        path = _DRIVERS[kind_of(artifact)]
        driver = fields(artifact.data, *path)
        conf = fields(artifact.data, *path[:-1], "sparkConf")
        named = driver.get("serviceAccount") or dig(
            driver, "template", "spec", "serviceAccountName"
        )
        is_of_spark = group_of(artifact) == _SPARK and driver and "template" not in driver
        if is_of_spark and not named and not any(key in conf for key in _CONF):
            yield artifact, path


def _makers(files: Files) -> dict[str, dict[str, str]]:
    """Find the accounts that may make pods in their own namespace, with the role of each."""
    making = {
        (kind_of(role), name_of(role), space_of(role))
        for role in files.objects("Role", "ClusterRole")
        if any(map(_makes, items(role.data, "rules")))
    }
    making |= {("ClusterRole", name, "") for name in _MAKING}
    found: dict[str, dict[str, str]] = {}
    for binding in files.objects("RoleBinding"):
        kind, name = (string(binding.data, "roleRef", key) for key in ("kind", "name"))
        space = space_of(binding)
        does = space and (kind, name, space if kind == "Role" else "") in making
        for subject in items(binding.data, "subjects") if does else ():
            if string(subject, "kind") == _ACCOUNT and string(subject, "namespace") in ("", space):
                role = f"{kind} {name}"
                found.setdefault(space, {}).setdefault(string(subject, "name"), role)
    return found


def _bound_by_default(files: Files) -> set[str]:
    """Find the namespaces whose default account has some role; empty: that of each has one."""
    found = set[str]()
    for binding in files.objects("RoleBinding", "ClusterRoleBinding"):
        for subject in items(binding.data, "subjects"):
            kind, name = string(subject, "kind"), string(subject, "name")
            if kind == _ACCOUNT and name == _DEFAULT:
                found.add(string(subject, "namespace") or space_of(binding))
            elif kind == "Group" and name.startswith(_GROUPS):
                found.add(space_of(binding))
    return found


def _makes(rule: object) -> bool:
    """Tell whether a rule lets make pods."""
    asked = (("apiGroups", ""), ("resources", "pods"), ("verbs", "create"))
    return all({word, "*"} & set(texts(dig(rule, key))) for key, word in asked)


def _pairs(
    files: Files, accounts: dict[tuple[str, str], Artifact]
) -> Iterator[tuple[Pods, Artifact]]:
    """Yield pods without an account of their own, with the account of their workload's name."""
    for own in pods(files):
        account = accounts.get((own.name, space_of(own.artifact)))
        if account is not None and own.spec.account in (None, "", "default"):
            yield own, account


def _judged(files: Files) -> Iterator[object]:
    yield from files.objects("ServiceAccount")
    yield from _drivers(files)


GATE = Gate(
    id="SEC019",
    title="Pods run as the account that is made for them",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account: a "
    "pod that names no account runs as `default`",
    check=check,
    of_files=check,
    scope=counted_in_files("accounts and drivers", _judged),
    targets=(),
    reads="ServiceAccounts beside workloads of the same name, namespace and folder; applications "
    "of Spark beside the roles of their namespace that may make pods. Judges files without a plan "
    "only: SEC004 checks more of a plan.",
)
