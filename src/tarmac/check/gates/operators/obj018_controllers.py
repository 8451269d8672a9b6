"""Objects that controllers read agree with themselves and with those beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.connectors import connect_faults
from tarmac.check.gates.views.objects.definitions import definition_faults
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, title
from tarmac.check.gates.views.objects.schedules import schedule_faults
from tarmac.check.gates.views.pods.handed_on import emptied_faults
from tarmac.check.gates.views.pods.task_claims import claim_faults
from tarmac.check.gates.views.pods.tasks import WORKFLOWS, task_faults, workflow_faults
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
_CRON_FIELDS = 6
#: An hour, or each of some; in what begins with the minute it would be a day of the month.
_HOURS = re.compile(r"\d[\d,/-]*|\*/\d+")
#: Ports of nodes that an API server gives by default.
_FIRST, _LAST = 30000, 32767
#: What divides the traffic of a Rollout between two Services.
_ROUTERS = {"alb", "ambassador", "apisix", "istio", "nginx", "smi", "traefik"}
#: Groups that have a kind for tasks with steps.
_TEKTON = "tekton.dev"


def check(files: Files) -> Iterator[Finding]:
    """Yield what a controller refuses or leaves out, of objects that an API server takes."""
    for artifact in _judged(files):
        for path, what in _JUDGES[kind_of(artifact), _family(artifact)](files, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _judged(files: Files) -> list[Artifact]:
    names = {kind for kind, _ in _JUDGES}
    found = files.objects(*sorted(names))
    return [one for one in found if (kind_of(one), _family(one)) in _JUDGES]


def _family(artifact: Artifact) -> str:
    return group_of(artifact).rpartition("/")[2]


def _workflow(_: Files, artifact: Artifact) -> Iterator[Fault]:
    yield from workflow_faults(artifact)
    yield from emptied_faults(artifact)


def _task(_: Files, artifact: Artifact) -> Iterator[Fault]:
    yield from task_faults(artifact)


def _service(_: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield ports of nodes that a cluster with the usual range refuses."""
    for number, port in numbered(artifact.data, "spec", "ports"):
        given = port.get("nodePort")
        if isinstance(given, int) and given and not _FIRST <= given <= _LAST:
            what = f"asks for the port {given} of each node, outside of {_FIRST} to {_LAST}"
            at: Path = ("spec", "ports", number, "nodePort")
            yield (
                at,
                f"{what}, which clusters have unless they are told; choose one, or leave it out",
            )


def _rollout(_: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield canaries whose traffic is divided between a Service and none."""
    canary = fields(artifact.data, "spec", "strategy", "canary")
    routing = fields(canary, "trafficRouting")
    lacks = [key for key in ("stableService", "canaryService") if not string(canary, key)]
    is_other = fields(canary, "pingPong") or fields(routing, "istio", "destinationRule")
    if lacks and _ROUTERS & routing.keys() and not is_other:
        what = f"has trafficRouting and no {' and no '.join(lacks)}, which is refused"
        yield ("spec", "strategy", "canary"), f"{what}; name a Service"


def _scheduled(files: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield schedules of CloudNativePG of five fields, and clusters without a place for backups."""
    schedule = string(artifact.data, "spec", "schedule")
    given = schedule.split()
    is_short = bool(given) and not schedule.startswith("@") and len(given) < _CRON_FIELDS
    # The day of the week may be left out: `0 0 3 * *` is each day at three.
    if is_short and (len(given) < _CRON_FIELDS - 1 or not _is_with_hours(given)):
        what = f"has the schedule {schedule!r}, whose first field is the second: it has six"
        yield ("spec", "schedule"), f"{what}; write '0 {schedule}'"
    name = string(artifact.data, "spec", "cluster", "name")
    for own in files.objects("Cluster"):
        if name_of(own) == name and place_of(own) == place_of(artifact):
            has_plugin = string(artifact.data, "spec", "method") == "plugin"
            if not fields(own.data, "spec", "backup") and not has_plugin:
                what = f"backs up Cluster {name}, which has no `backup`: each backup fails"
                yield ("spec", "cluster"), f"{what}; write where to, in the Cluster"


def _is_with_hours(given: list[str]) -> bool:
    """Tell whether a schedule without a day of the week names an hour of each day.

    The same from minutes on would be a day of each month: no rhythm of backups.
    """
    return _HOURS.fullmatch(given[2]) is not None and given[3:] == ["*", "*"]


def _composition(files: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield compositions for a version or kind that the definition beside does not have."""
    given = fields(artifact.data, "spec", "compositeTypeRef")
    group, _, version = string(given, "apiVersion").partition("/")
    for own in files.objects("CompositeResourceDefinition"):
        spec = fields(own.data, "spec")
        if string(spec, "group") != group or string(spec, "names", "kind") != given.get("kind"):
            continue
        there = [string(one, "name") for one in items(spec, "versions")]
        if there and version not in there:
            what = f"is for the version {version}, which {title(own)} does not have"
            at = ("spec", "compositeTypeRef", "apiVersion")
            yield at, f"{what}; write one of {', '.join(there)}"


def _definition(_: Files, artifact: Artifact) -> Iterator[Fault]:
    yield from definition_faults(artifact)


def _webhooks(_: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield webhooks that an API server refuses, and those that keep their own pods from coming."""
    for number, hook in numbered(artifact.data, "webhooks"):
        at: Path = ("webhooks", number)
        seconds = hook.get("timeoutSeconds")
        if isinstance(seconds, int) and not 1 <= seconds <= 30:
            yield (*at, "timeoutSeconds"), f"waits {seconds} s, and 1 to 30 are taken; write 10"
        service = fields(hook, "clientConfig", "service")
        if not service or hook.get("failurePolicy", "Fail") != "Fail":
            continue
        on_pods = any(
            {"pods", "*", "*/*"} & set(map(str, items(rule, "resources")))
            and {"", "*"} & set(map(str, items(rule, "apiGroups")))
            for rule in items(hook, "rules")
        )
        apart = fields(hook, "namespaceSelector") or fields(hook, "objectSelector")
        if on_pods and not apart and not items(hook, "matchConditions"):
            space = string(service, "namespace")
            what = f"asks {string(service, 'name')} about each pod, its own in {space} among them"
            why = "once none runs, none can be made"
            yield at, f"{what}: {why}; leave {space} out by namespaceSelector"


def _cron(_: Files, artifact: Artifact) -> Iterator[Fault]:
    yield from schedule_faults(artifact)


def _jobs(_: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield jobs whose pods are to run for ever; where nothing is written, none are."""
    sets = numbered(artifact.data, "spec", "replicatedJobs")
    specs: list[Path] = [("spec", "replicatedJobs", n, "template", "spec") for n, _one in sets]
    for own in (*specs, ("spec", "jobTargetRef")):
        at: Path = (*own, "template", "spec", "restartPolicy")
        policy = dig(artifact.data, *at)
        if policy not in (None, "Never", "OnFailure"):
            what = f"has pods of a job with restartPolicy {policy}, which is refused"
            yield at, f"{what}; write Never or OnFailure"


_JUDGES: Mapping[tuple[str, str], Callable[[Files, Artifact], Iterator[Fault]]] = {
    **{(kind, "argoproj.io"): _workflow for kind in WORKFLOWS},
    ("Rollout", "argoproj.io"): _rollout,
    ("Task", _TEKTON): _task,
    ("PipelineRun", _TEKTON): claim_faults,
    ("KafkaConnect", "kafka.strimzi.io"): connect_faults,
    ("ScheduledBackup", "postgresql.cnpg.io"): _scheduled,
    ("Composition", "apiextensions.crossplane.io"): _composition,
    ("CustomResourceDefinition", "apiextensions.k8s.io"): _definition,
    ("ValidatingWebhookConfiguration", "admissionregistration.k8s.io"): _webhooks,
    ("MutatingWebhookConfiguration", "admissionregistration.k8s.io"): _webhooks,
    ("JobSet", "jobset.x-k8s.io"): _jobs,
    ("ScaledJob", "keda.sh"): _jobs,
    ("Service", ""): _service,
    ("CronJob", "batch"): _cron,
}

GATE = Gate(
    id="OBJ018",
    title="Objects that controllers read agree with themselves",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/extend-kubernetes/operator: an API server knows "
    "the schema of such an object; what its parts name, only its controller reads",
    check=check,
    of_files=check,
    scope=counted_in_files("objects of controllers", _judged),
    targets=(),
    reads="Argo Workflows, Rollouts, tasks and runs of Tekton, schedules of CloudNativePG, "
    "clusters of Kafka Connect beside their connectors, Compositions, definitions of kinds, "
    "webhooks, sets of jobs, jobs of KEDA, CronJobs. Judges files without a plan only.",
)
