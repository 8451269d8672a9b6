"""A rollout can end, leaves the pods that are promised, and has room in its namespace."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.scaled import Autoscalers, Owners
from tarmac.check.gates.views.objects.scaling import Budget, Scaler, share
from tarmac.check.gates.views.objects.selectors import Selectors
from tarmac.check.gates.views.pods.pods import RUNNING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_STRATEGY = ("spec", "strategy")
_DEADLINE_S = 600
_AMOUNTS = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def check(files: Files) -> Iterator[Finding]:
    """Yield rollouts that stop all pods or never end, and pods for which there is no quota."""
    scaling = Autoscalers(files)
    budgets = Selectors(files.objects("PodDisruptionBudget"), "selector")
    least, by_place = dict[int, int](), dict[tuple[str, str], list[Pods]]()
    running = list(pods(files, *RUNNING))
    owners = Owners(own.artifact for own in running)
    for own in running:
        scaler = scaling.by(own.artifact)
        least[id(own)] = _least(own, scaler)
        by_place.setdefault(_place(own.artifact), []).append(own)
        if own.kind == "Deployment":
            yield from _deadline(own)
            kept = [
                budget
                for budget in map(Budget, budgets.of(own.labels))
                if owners.are_kept_by(budget, own.artifact)
            ]
            yield from _stopped(own, least[id(own)], kept)
    for own in pods(files, "DaemonSet"):
        yield from _taken_ports(own)
    for quota in files.objects("ResourceQuota"):
        if not items(quota.data, "spec", "scopes") and not dig(quota.data, "spec", "scopeSelector"):
            there = by_place.get(_place(quota), ())
            yield from _room(quota, [(own, least[id(own)]) for own in there])


def _place(artifact: Artifact) -> tuple[str, str]:
    """Return the namespace of an object; without one, its folder as well."""
    space = space_of(artifact)
    return space, artifact.path.rpartition("/")[0] if space in ("", "default") else ""


def _least(own: Pods, scaler: Scaler | None) -> int:
    if scaler is not None:
        return scaler.least or 1
    written = dig(own.artifact.data, "spec", "replicas")
    return written if isinstance(written, int) else 1


def _stopped(own: Pods, least: int, budgets: list[Budget]) -> Iterator[Finding]:
    """Yield updates that stop more pods at once than a budget, or a second pod, is there for."""
    data = own.artifact.data
    rolling = fields(data, *_STRATEGY, "rollingUpdate")
    path: Path = (*_STRATEGY, "rollingUpdate", "maxUnavailable")
    if string(data, *_STRATEGY, "type") == "Recreate":
        gone, path, how = least, (*_STRATEGY, "type"), "Recreate stops"
    else:
        gone, how = share(rolling.get("maxUnavailable", "25%"), least), "an update may stop"
    stay = max((budget.stay(least) for budget in budgets), default=0)
    advice = f"set maxUnavailable to {least - max(stay, 1)}"
    if how == "Recreate stops":
        advice = "write RollingUpdate"
    if least < 2 or gone < least or (not stay and how == "Recreate stops"):
        return
    what = f"{title(own.artifact)}: {how} all of its {least} pods at once"
    if stay:
        what += f", and {title(budgets[0].artifact)} promises {stay}"
    yield Finding(own.artifact.at(*path), f"{what}; {advice}")


def _taken_ports(own: Pods) -> Iterator[Finding]:
    """Yield updates of a DaemonSet that start a pod beside the old one, at the same port."""
    path: Path = ("spec", "updateStrategy", "rollingUpdate", "maxSurge")
    surge = dig(own.artifact.data, *path)
    is_of_node = dig(own.spec.data, "hostNetwork") is True
    ports = [
        port
        for container in own.main_containers
        for one in items(container.data, "ports")
        if (port := dig(one, "hostPort") or (is_of_node and dig(one, "containerPort")))
    ]
    if ports and surge not in (None, 0, "0", "0%"):
        what = f"{title(own.artifact)} starts a new pod on each node before the old one ends"
        why = f"(maxSurge {surge}), and the old one has port {ports[0]} of it: the new one waits"
        advice = "for ever; write maxSurge: 0 and maxUnavailable: 1"
        yield Finding(own.artifact.at(*path), f"{what} {why} {advice}")


def _deadline(own: Pods) -> Iterator[Finding]:
    """Yield rollouts that are given up before a pod can count as available."""
    data = own.artifact.data
    given = dig(data, "spec", "progressDeadlineSeconds")
    deadline = given if isinstance(given, int) else _DEADLINE_S
    ready = dig(data, "spec", "minReadySeconds")
    ready = ready if isinstance(ready, int) else 0
    where = own.artifact.at("spec", "progressDeadlineSeconds" if given else "minReadySeconds")
    if ready >= deadline:
        what = f"{title(own.artifact)} gives a rollout up after {deadline} s, and a pod counts"
        advice = f"after {ready} s: the API server rejects it; write more than minReadySeconds"
        yield Finding(where, f"{what} {advice}")
        return
    starts = 0
    for container in own.main_containers:
        for name in ("startupProbe", "readinessProbe"):
            delay = dig(container.data, name, "initialDelaySeconds")
            starts = max(starts, delay if isinstance(delay, int) else 0)
    if starts + ready >= deadline:
        what = f"{title(own.artifact)} gives a rollout up after {deadline} s, and no pod is ready"
        yield Finding(where, f"{what} before {starts + ready} s, so each one fails; raise it")


def _room(quota: Artifact, there: list[tuple[Pods, int]]) -> Iterator[Finding]:
    """Yield limits of a namespace that are below what one workload there has at least."""
    yield from _unreached(quota)
    for key, written in fields(quota.data, "spec", "hard").items():
        try:
            limit = amount(written)
        except ValueError:
            continue  # VAL001 and OBJ005 say so
        for own, count in there:
            needed = count * _share_of(own, key)
            if needed > limit:
                what = f"{title(quota)} allows {written} of {key}, and {title(own.artifact)} needs"
                where = quota.at("spec", "hard", key)
                yield Finding(where, f"{what} {needed:f} at least: some never start; raise it")
                break


def _unreached(quota: Artifact) -> Iterator[Finding]:
    """Yield sums of requests above those of limits: no pod requests more than its limit."""
    hard = fields(quota.data, "spec", "hard")
    for name in ("cpu", "memory"):
        asked, most = hard.get(f"requests.{name}"), hard.get(f"limits.{name}")
        try:
            is_above = None not in (asked, most) and amount(asked) > amount(most)
        except (TypeError, ValueError):
            continue
        if is_above:
            what = f"{title(quota)} allows {asked} of requests.{name} and {most} of limits.{name}"
            where = quota.at("spec", "hard", f"requests.{name}")
            advice = "no pod requests more than its limit; swap them, or raise the limits"
            yield Finding(where, f"{what}, so the first is never reached: {advice}", warning=True)


def _share_of(own: Pods, key: str) -> Decimal:
    """Read what one pod takes of a limit; 0 of one that is not of pods."""
    if key in ("pods", "count/pods"):
        return Decimal(1)
    kind, _, name = key.rpartition(".")
    is_known = key in _AMOUNTS or key in ("cpu", "memory")
    return _of(own, kind or "requests", name) if is_known else Decimal(0)


def _of(own: Pods, kind: str, name: str) -> Decimal:
    total = Decimal(0)
    for container in own.main_containers:
        try:
            value = container.amount(kind, name)
            total += amount(value) if value is not None else Decimal(0)
        except ValueError:
            continue
    return total


def _judged(files: Files) -> Iterator[object]:
    yield from pods(files, *RUNNING, "DaemonSet")
    yield from files.objects("ResourceQuota")


GATE = Gate(
    id="SCL007",
    title="A rollout ends, leaves pods that serve, and has room",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable: "
    "a budget guards against drains and not against an update, and a pod above the quota is never "
    "made",
    check=check,
    of_files=check,
    scope=counted_in_files("workloads and quotas", _judged),
    targets=(),
    reads="strategies, deadlines and probes of Deployments beside their autoscalers and budgets; "
    "quotas beside the least number of pods of their namespace. Judges files without a plan only: "
    "SCL001 and SCL003 check more of a plan.",
)
