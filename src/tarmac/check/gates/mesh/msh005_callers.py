"""AuthorizationPolicies admit the declared callers, by identities that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.indexes import MOST_COMPARED
from tarmac.check.gates.views.objects.metadata import NAME, name_of, space_of, title
from tarmac.check.gates.views.scope import kinds

SCHEME = "spiffe://"


def of_files(files: Files) -> Iterator[Finding]:
    """Yield identities that no certificate has."""
    accounts: dict[str, set[str]] = {}
    for one in files.objects("ServiceAccount"):
        accounts.setdefault(space_of(one), set()).add(name_of(one))
    for policy in files.objects("AuthorizationPolicy"):
        for path, caller in _callers(policy):
            if what := _fault(caller, accounts):
                # What else is in another namespace, its own installation says.
                is_apart = "/ns/" in caller and f"/ns/{space_of(policy)}/" not in caller
                is_apart = is_apart and not caller.startswith(SCHEME)
                said = f"{title(policy)} admits {caller}, {what}"
                yield Finding(policy.at(*path), said, warning=is_apart)


def _callers(policy: Artifact) -> Iterator[tuple[Path, str]]:
    for number, rule in numbered(policy.data, "spec", "rules"):
        for place, peer in numbered(rule, "from"):
            path: Path = ("spec", "rules", number, "from", place, "source", "principals")
            for index, caller in enumerate(items(peer, "source", "principals")):
                if isinstance(caller, str):
                    yield (*path, index), caller


def _fault(caller: str, accounts: Mapping[str, set[str]]) -> str:
    if caller.startswith(SCHEME):
        return f"which no caller has; write it without {SCHEME}"
    _, _, rest = caller.partition("/ns/")
    space, _, name = rest.partition("/sa/")
    known = accounts.get(space, set())
    others = sorted(other for other, names in accounts.items() if other and name in names)
    if not known and others and "*" not in caller and name not in accounts.get("", set()):
        return f"an account that {space} may not have: it is of {', '.join(others)}; write that"
    # An account without a namespace is in whichever it is applied to.
    if "*" in caller or not known or name in known | accounts.get("", set()):
        return ""
    nearest = did_you_mean(name, sorted(known)[:MOST_COMPARED])
    return f"an account that {space} does not have; {nearest}"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the same, and declared edges that no policy admits; callers that none declares."""
    yield from of_files(subject)
    plan = subject.plan
    if plan.settings.mesh is None:
        return
    admitted = _admitted(subject)
    for edge in plan.allowed:
        if edge.target_role in ("managed", "external"):
            continue
        if _caller(subject, edge.source) not in admitted.get((edge.target, edge.port), ()):
            yield Finding(
                edge.place,
                f"{edge.source} -> {edge.target}:{edge.port} is declared, but no "
                "AuthorizationPolicy admits it: the mesh answers 403; add its account",
            )
    declared = {(edge.target, edge.port, _caller(subject, edge.source)) for edge in plan.allowed}
    for workload in plan.workloads:
        own = {_caller(subject, workload.name), f"/{plan.settings.monitoring}"}
        for (name, port), callers in admitted.items():
            for caller in sorted(callers - own) if name == workload.name else ():
                if (name, port, caller) not in declared:
                    yield Finding(
                        workload.place,
                        f"{caller} may call {name}:{port}, which no edge declares; add it to "
                        "`calls` or `stores`, or remove it from the AuthorizationPolicy",
                    )


def _caller(subject: Subject, source: str) -> str:
    """Name a caller as a policy does: an account, or for the world the ingress' namespace."""
    settings = subject.plan.settings
    return f"/{settings.ingress.namespace}" if source == "world" else source


def _admitted(subject: Subject) -> dict[tuple[str, int], set[str]]:
    """Read the callers of each workload's ports: accounts of the namespace, and `/NAMESPACE`."""
    found: dict[tuple[str, int], set[str]] = {}
    ports = {one.name: set(one.ports.values()) for one in subject.plan.workloads}
    for policy in subject.objects("AuthorizationPolicy"):
        if dig(policy.data, "spec", "action") not in (None, "ALLOW"):
            continue
        chosen = string(policy.data, "spec", "selector", "matchLabels", NAME)
        for _, rule in numbered(policy.data, "spec", "rules"):
            callers = set(_named(rule, subject.plan.namespace))
            for name in (chosen,) if chosen else ports:
                for port in _ports(rule) or ports.get(name, set()):
                    found.setdefault((name, port), set()).update(callers)
    return found


def _named(rule: Mapping[str, object], space: str) -> Iterator[str]:
    peers = numbered(rule, "from")
    if not peers:
        yield "any caller"
    for _, peer in peers:
        source = fields(peer, "source")
        for caller in texts(source.get("principals")):
            _, _, rest = caller.partition("/ns/")
            yield rest.removeprefix(f"{space}/sa/")
        yield from (f"/{one}" for one in texts(source.get("namespaces")))


def _ports(rule: Mapping[str, object]) -> set[int]:
    return {
        int(port)
        for _, to in numbered(rule, "to")
        for port in texts(dig(to, "operation", "ports"))
        if port.isdigit()
    }


GATE = Gate(
    id="MSH005",
    title="AuthorizationPolicies admit every declared caller and no other, by accounts that exist",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/security/authorization-policy",
    check=check,
    scope=kinds("policies of callers", "AuthorizationPolicy"),
    of_files=of_files,
    targets=("cluster",),
    reads="the principals, namespaces and ports of AuthorizationPolicy objects beside the "
    "declared edges and ServiceAccounts. Conditions on requests (methods, paths, `when`) and "
    "policies that deny are not judged; of files without a plan, only the accounts.",
)
