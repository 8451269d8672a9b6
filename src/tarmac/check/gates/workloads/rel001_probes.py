"""Probes: every server has liveness and readiness probes, on paths that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.selections import chosen, selections
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.pods.probes import served_paths
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted_in_files, running_workloads
from tarmac.model import conventions

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

PROBES = ("startup", "liveness", "readiness")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield servers without a probe, and probes on paths that are not served."""
    keeping = running(subject)
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is not None:
            yield from _of(subject, workload, own)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield servers behind a Service that nothing probes, and probes that contradict themselves."""
    index = PodIndex(pods(files, *SERVING))
    called = {
        id(own)
        for selection in selections(files)
        if selection.is_service
        for own in chosen(selection, index) or ()
    }
    for own in index.kept:
        first = next(iter(own.main_containers), None)
        if first is None:
            continue
        probes = {name: first.probe(name) for name in PROBES}
        for name in ("liveness", "readiness") if id(own) in called else ():
            if probes[name] is None:
                what = f"{own.kind} {own.name} answers requests and has no {name}Probe; add it"
                yield Finding(first.at(), what, warning=True)
        for name, probe in probes.items():
            if probe and probe.timeout_s > probe.period_s:
                what = f"has a timeout of {probe.timeout_s} s and runs every {probe.period_s} s"
                yield Finding(
                    first.at(f"{name}Probe"),
                    f"{name}Probe of {own.name} {what}; shorten the timeout",
                )
        live, ready = probes["liveness"], probes["readiness"]
        if live and ready and probes["startup"] is None:
            is_same = live.asked == ready.asked
            if is_same and live.ends_s < ready.delay_s:
                what = f"livenessProbe of {own.name} has failed after {live.ends_s:g} s, and"
                said = f"{what} readinessProbe waits {ready.delay_s:g} s for the same answer: the"
                advice = "container is killed while it starts; add a startupProbe"
                yield Finding(first.at("livenessProbe"), f"{said} {advice}", warning=True)
        if first.stop_delay_s and first.stop_delay_s >= own.spec.grace_s:
            what = f"pauses {first.stop_delay_s:g} s of {own.spec.grace_s:g} s"
            yield Finding(
                first.at("lifecycle", "preStop"),
                f"preStop of {own.name} {what} of grace period, so the pod is killed; raise "
                "terminationGracePeriodSeconds",
            )


def _of(subject: Subject, workload: Workload, own: Pods) -> Iterator[Finding]:
    first = next(iter(own.main_containers), None)
    probes = {name: first.probe(name) if first else None for name in PROBES}
    wanted = {"liveness": workload.live, "startup": workload.live}
    wanted["readiness"] = workload.ready or workload.live
    for name, declared in wanted.items():
        if declared is not None and probes[name] is None:
            yield Finding(own.artifact.path, f"{workload.name} has no {name}Probe; add it")
    kit = subject.system.is_kit(workload.name)
    known = served_paths(subject.system, workload)
    paths = {name: probe.path for name, probe in probes.items() if probe}
    for name, path in paths.items():
        if path is not None and path.partition("?")[0] not in known:
            yield Finding(
                own.artifact.path,
                f"{name}Probe of {workload.name} requests {path}, which it does not serve; "
                f"request {' or '.join(sorted(known)) or 'its port'}",
            )
    if kit and paths.get("liveness") == conventions.READY_PATH:
        yield Finding(
            own.artifact.path,
            f"livenessProbe of {workload.name} requests {conventions.READY_PATH}: while a "
            f"store is down, all its pods restart; request {conventions.LIVE_PATH}",
        )
    for name, probe in probes.items():
        if probe and probe.timeout_s > probe.period_s:
            yield Finding(
                own.artifact.path,
                f"{name}Probe of {workload.name} has a timeout of {probe.timeout_s} s and "
                f"runs every {probe.period_s} s; shorten the timeout",
            )


def _running(files: Files) -> Iterator[Pods]:
    return pods(files, *SERVING)


GATE = Gate(
    id="REL001",
    title="Every server has three probes, on paths that it serves",
    phase="kubernetes",
    source="a probe on a path that answers 404 restarts a healthy service again and again",
    check=check,
    of_files=of_files,
    scope=counted_in_files("workloads", _running, running_workloads),
    reads="startup, liveness and readiness probes. The paths of a kit service are the kit's "
    "health paths, for which a test asks every service; those of another are `probe` in the model."
    " Their numbers of periods are not judged. Of files without a plan: probes of "
    "pods that a Service selects, their timeouts, and a preStop that outlasts the grace period.",
)
